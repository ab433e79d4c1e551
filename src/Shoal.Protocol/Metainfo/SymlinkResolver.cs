namespace Shoal.Protocol;

/// <summary>
/// Makes each symlink of a torrent point straight to a file or folder of the same torrent. A link that
/// dangles, that leaves the torrent or that leads back to itself becomes an empty file.
/// </summary>
/// <remarks>
/// Paths are walked in a tree of names, so the work is linear in what the torrent spells out, however the
/// links are chained.
/// </remarks>
internal static class SymlinkResolver
{
    public static void Resolve(List<FileDraft> drafts, PathBudget budget)
    {
        if (!drafts.Exists(d => d.LinkTarget is not null))
        {
            return;
        }

        var root = new Node(null, "");
        var nodes = drafts.ConvertAll(d => d.IsPad ? null : Insert(root, d));

        // All targets are found before any is set: whether a node is a link may not change meanwhile.
        var targets = new string?[drafts.Count];
        for (var i = 0; i < drafts.Count; i++)
        {
            if (nodes[i] is { } node && node.Link == drafts[i])
            {
                targets[i] = Target(root, node)?.PathWithin(budget);
            }
        }

        for (var i = 0; i < drafts.Count; i++)
        {
            drafts[i].LinkTarget = targets[i];
        }
    }

    private sealed class Node(Node? parent, string name)
    {
        private string? _path;

        public Dictionary<string, Node>? Children { get; set; }
        public FileDraft? File { get; set; }

        /// <summary>The draft, if the node is a link and no folder.</summary>
        public FileDraft? Link => Children is null && File?.LinkTarget is not null ? File : null;

        public bool IsBeingResolved { get; set; }
        public bool IsResolved { get; set; }
        public Node? Resolved { get; set; }

        /// <summary>The path, which counts once in the budget of all paths; null when that is used up.</summary>
        public string? PathWithin(PathBudget budget)
        {
            if (_path is null)
            {
                var names = new List<string>();
                for (var (node, above) = (name, parent); above is not null; (node, above) = above.Up)
                {
                    names.Add(node);
                }

                names.Reverse();
                _path = budget.Take(names.Sum(n => n.Length + 1)) ? string.Join('/', names) : null;
            }

            return _path;
        }

        private (string Name, Node? Parent) Up => (name, parent);
    }

    private static Node Insert(Node root, FileDraft draft)
    {
        var node = root;
        foreach (var range in draft.Path.AsSpan().Split('/'))
        {
            node.Children ??= new Dictionary<string, Node>(StringComparer.Ordinal);
            var name = draft.Path[range];
            if (!node.Children.TryGetValue(name, out var child))
            {
                child = new Node(node, name);
                node.Children.Add(name, child);
            }

            node = child;
        }

        node.File ??= draft;
        return node;
    }

    /// <summary>Where a link leads: never a link itself; null if nowhere.</summary>
    private static Node? Target(Node root, Node link)
    {
        // Links through links form a graph; it is walked depth first with a stack of our own.
        var stack = new Stack<Node>();
        stack.Push(link);
        while (stack.TryPeek(out var node))
        {
            if (node.IsResolved)
            {
                stack.Pop();
                continue;
            }

            node.IsBeingResolved = true;
            var (found, needed) = Walk(root, node.Link!.LinkTarget!);
            if (found is null && needed is null && node.Link.OtherTarget is { } other)
            {
                (found, needed) = Walk(root, other);
            }

            if (needed is { IsBeingResolved: false })
            {
                stack.Push(needed);
                continue;
            }

            // A link that is needed and being resolved is a circle: it leads nowhere.
            node.Resolved = needed is null && found != root ? found : null;
            node.IsResolved = true;
            stack.Pop();
        }

        return link.Resolved;
    }

    /// <summary>Follows a path as far as links that are resolved allow.</summary>
    private static (Node? Found, Node? Needed) Walk(Node root, string path)
    {
        var node = root;
        foreach (var range in path.AsSpan().Split('/'))
        {
            if (node.Children is null || !node.Children.TryGetValue(path[range], out var child))
            {
                return (null, null);
            }

            if (child.Link is not null)
            {
                if (!child.IsResolved)
                {
                    return (null, child);
                }

                if (child.Resolved is null)
                {
                    return (null, null);
                }

                child = child.Resolved;
            }

            node = child;
        }

        return (node, null);
    }
}
