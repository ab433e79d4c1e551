using System.Xml;

namespace Shoal.Protocol;

/// <summary>
/// XML as routers send it, and as whoever claims to be one may: no DTD, hence no entities and nothing fetched; bounded in
/// size and depth before anything is built of it.
/// </summary>
internal static class UpnpXml
{
    private const int MaxDepth = 32;

    // Longer than any name, number or URL in use; the rest of a longer text is not looked at.
    private const int MaxText = 1024;

    /// <summary>
    /// Tells of each element without children: its name, that of its parent, and its text. False when it is no XML, or
    /// more than it may be; what was told before is then worth nothing.
    /// </summary>
    public static bool TryRead(ReadOnlyMemory<byte> document, int maxBytes, Action<string, string, string> element)
    {
        if (document.Length > maxBytes)
        {
            return false;
        }

        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = maxBytes,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
        };
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(document.ToArray()), settings);
            return Walk(reader, element);
        }
        catch (XmlException)
        {
            return false;
        }
    }

    private static bool Walk(XmlReader reader, Action<string, string, string> element)
    {
        var path = new Stack<string>();
        var text = "";
        var isLeaf = false;
        while (reader.Read())
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    if (path.Count >= MaxDepth)
                    {
                        return false;
                    }

                    if (reader.IsEmptyElement)
                    {
                        element(reader.LocalName, path.TryPeek(out var above) ? above : "", "");
                        isLeaf = false;
                    }
                    else
                    {
                        path.Push(reader.LocalName);
                        isLeaf = true;
                    }

                    text = "";
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA when text.Length <= MaxText:
                    text += reader.Value;
                    break;
                case XmlNodeType.EndElement:
                    var name = path.Pop();
                    if (isLeaf)
                    {
                        element(name, path.TryPeek(out var parent) ? parent : "", text.Trim());
                    }

                    (isLeaf, text) = (false, "");
                    break;
            }
        }

        return true;
    }
}
