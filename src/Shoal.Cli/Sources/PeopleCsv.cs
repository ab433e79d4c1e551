using System.Globalization;
using System.Text;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Somebody to invite, as a row of a table says.</summary>
/// <param name="Line">Of the file, from 1.</param>
/// <param name="Fields">As they stood there, to be written again beside the link.</param>
/// <param name="Expires">From now on; null: as for all.</param>
internal sealed record Person(
    int Line,
    IReadOnlyList<string> Fields,
    string Name,
    MemberRole? Role,
    TimeSpan? Expires,
    int? Uses
);

/// <summary>
/// A table of people (RFC 4180, with ',' or ';'). The first row names the columns: "name" must be there, "role", "expires"
/// and "uses" count too, others are kept. One row that is not right makes the whole table wrong, and is named.
/// </summary>
internal sealed class PeopleCsv
{
    private const int MaxField = 1000;
    private const int MaxColumns = 50;

    private PeopleCsv(char separator, IReadOnlyList<string> header, IReadOnlyList<Person> people) =>
        (Separator, Header, People) = (separator, header, people);

    public char Separator { get; }

    public IReadOnlyList<string> Header { get; }

    public IReadOnlyList<Person> People { get; }

    /// <exception cref="UserErrorException">Something is not right; names the line.</exception>
    public static PeopleCsv Read(string file, string text)
    {
        text = text.TrimStart('\uFEFF');
        var end = text.IndexOfAny(['\r', '\n']);
        var first = end < 0 ? text : text[..end];
        var separator = first.Count(c => c == ';') > first.Count(c => c == ',') ? ';' : ',';
        var rows = Split(file, text, separator);
        if (rows.Count == 0)
        {
            throw Wrong(file, 1, "the table is empty; its first row names the columns (name, role, expires, uses)");
        }

        var header = rows[0].Fields;
        var columns = header.Select(name => name.Trim().ToLowerInvariant()).ToList();
        var at = columns.IndexOf("name");
        if (at < 0)
        {
            throw Wrong(file, rows[0].Line, "no column is called 'name'");
        }

        var people = rows.Skip(1)
            .Where(row => row.Fields is not [""])
            .Select(row => ReadPerson(file, row.Line, row.Fields, columns, at))
            .ToList();
        return people.Count == 0 ? throw Wrong(file, rows[0].Line, "there is nobody in it")
            : people.Count > HubLimits.Default.InvitationsAtOnce
                ? throw Wrong(
                    file,
                    people[HubLimits.Default.InvitationsAtOnce].Line,
                    $"more than {HubLimits.Default.InvitationsAtOnce} people: split the table"
                )
            : new PeopleCsv(separator, header, people);
    }

    /// <summary>A row with its fields quoted where they must be.</summary>
    public string Write(IEnumerable<string> fields) => string.Join(Separator, fields.Select(Quote)) + "\n";

    private string Quote(string field) =>
        field.AsSpan().IndexOfAny([Separator, '"', '\r', '\n']) < 0
            ? field
            : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static Person ReadPerson(
        string file,
        int line,
        IReadOnlyList<string> fields,
        List<string> columns,
        int nameAt
    )
    {
        if (fields.Count != columns.Count)
        {
            throw Wrong(file, line, $"{fields.Count} fields, but the first row names {columns.Count}");
        }

        string Of(string column) => columns.IndexOf(column) is >= 0 and var at ? fields[at].Trim() : "";
        var name = fields[nameAt].Trim();
        if (name.Length is 0 or > HubLimits.MaxName || name.Any(char.IsControl))
        {
            throw Wrong(
                file,
                line,
                name.Length == 0 ? "the name is empty"
                    : name.Length > HubLimits.MaxName ? $"the name has more than {HubLimits.MaxName} characters"
                    : "the name has control characters"
            );
        }

        MemberRole? role = null;
        if (Of("role") is { Length: > 0 } roleText)
        {
            role = RoleNames.TryParse(roleText.ToLowerInvariant(), out var read)
                ? read
                : throw Wrong(file, line, $"the role '{roleText}' is not member, publisher or administrator");
        }

        TimeSpan? expires = null;
        if (Of("expires") is { Length: > 0 } expiresText)
        {
            expires =
                Duration.TryParse(expiresText, out var duration) && InviteOptions.IsLifetime(duration)
                    ? duration
                    : throw Wrong(file, line, $"'{expiresText}' is not a duration like 7d, up to 400d");
        }

        int? uses = null;
        if (Of("uses") is { Length: > 0 } usesText)
        {
            uses =
                int.TryParse(usesText, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                && count is >= 1 and <= HubLimits.MaxUses
                    ? count
                    : throw Wrong(file, line, $"'{usesText}' uses: a whole number from 1 to {HubLimits.MaxUses}");
        }

        return new Person(line, fields, name, role, expires, uses);
    }

    private static List<(int Line, IReadOnlyList<string> Fields)> Split(string file, string text, char separator)
    {
        var rows = new List<(int, IReadOnlyList<string>)>();
        var fields = new List<string>();
        var field = new StringBuilder();
        var (line, begin, at) = (1, 1, 0);
        while (at < text.Length)
        {
            var c = text[at++];
            if (c == '"' && field.Length == 0)
            {
                at = ReadQuoted(file, text, at, field, ref line);
            }
            else if (c == separator)
            {
                EndField();
            }
            else if (c is '\r' or '\n')
            {
                at += c == '\r' && at < text.Length && text[at] == '\n' ? 1 : 0;
                EndRow();
                line++;
                begin = line;
            }
            else if (c is '\0' or '\uFFFD')
            {
                throw Wrong(file, line, "this is no text in UTF-8");
            }
            else
            {
                Append(c);
            }
        }

        if (field.Length > 0 || fields.Count > 0)
        {
            EndRow();
        }

        return rows;

        void Append(char c)
        {
            if (field.Append(c).Length > MaxField)
            {
                throw Wrong(file, line, $"a field has more than {MaxField} characters");
            }
        }

        void EndField()
        {
            fields.Add(field.ToString());
            field.Clear();
            if (fields.Count > MaxColumns)
            {
                throw Wrong(file, line, $"more than {MaxColumns} fields");
            }
        }

        void EndRow()
        {
            EndField();
            rows.Add((begin, fields));
            fields = [];
        }
    }

    // RFC 4180: "If double-quotes are used to enclose fields, then a double-quote appearing inside a field must be escaped
    // by preceding it with another double quote."
    private static int ReadQuoted(string file, string text, int at, StringBuilder field, ref int line)
    {
        var begin = line;
        while (at < text.Length && field.Length <= MaxField)
        {
            var c = text[at++];
            if (c == '"')
            {
                if (at >= text.Length || text[at] != '"')
                {
                    return at;
                }

                at++;
            }

            line += c == '\n' ? 1 : 0;
            field.Append(c);
        }

        throw Wrong(file, begin, "a quoted field does not end");
    }

    private static UserErrorException Wrong(string file, int line, string what) =>
        new("bad-row", string.Create(CultureInfo.InvariantCulture, $"{file} line {line}: {what}; nobody was invited"));
}
