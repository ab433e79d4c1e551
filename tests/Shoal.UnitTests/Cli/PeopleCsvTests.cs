using System.Globalization;
using Shoal.Cli;
using Shoal.Membership;

namespace Shoal.UnitTests;

public sealed class PeopleCsvTests
{
    [Fact]
    public void Columns_are_known_by_name_and_the_rest_is_kept()
    {
        var table = PeopleCsv.Read(
            "people.csv",
            "\uFEFFEmail;Name;Role;Expires;Uses\r\n"
                + "ada@example.org;\"Lovelace; \"\"Ada\"\"\";publisher;7d;3\r\n"
                + "\r\n"
                + "ben@example.org;Ben\u00e9;;;\r\n"
        );
        Assert.Equal(';', table.Separator);
        Assert.Equal(["Email", "Name", "Role", "Expires", "Uses"], table.Header);
        var ada = table.People[0];
        Assert.Equal(("Lovelace; \"Ada\"", 2, 3), (ada.Name, ada.Line, ada.Uses));
        Assert.Equal((MemberRole.Publisher, TimeSpan.FromDays(7)), (ada.Role, ada.Expires));
        var ben = table.People[1];
        Assert.Equal(("Ben\u00e9", 4), (ben.Name, ben.Line));
        Assert.Equal((null, null, null), (ben.Role, ben.Expires, ben.Uses));
        Assert.Equal("ada@example.org;\"Lovelace; \"\"Ada\"\"\";publisher;7d;3\n", table.Write(ada.Fields));
    }

    [Fact]
    public void A_quoted_field_may_have_lines_and_lines_are_counted()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            PeopleCsv.Read("p.csv", "name,note\nAda,\"two\nlines\"\n,empty\n")
        );
        Assert.Contains("p.csv line 4: the name is empty", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "line 1: the table is empty")]
    [InlineData("email\na\n", "line 1: no column is called 'name'")]
    [InlineData("name\n", "line 1: there is nobody in it")]
    [InlineData("name,role\nAda,emperor\n", "line 2: the role 'emperor'")]
    [InlineData("name,uses\nAda,0\n", "line 2: '0' uses")]
    [InlineData("name,uses\nAda,1e9\n", "line 2: '1e9' uses")]
    [InlineData("name,expires\nAda,500d\n", "line 2: '500d' is not a duration")]
    [InlineData("name,role\nAda\n", "line 2: 1 fields, but the first row names 2")]
    [InlineData("name\nAda\n\"Ben\n", "line 3: a quoted field does not end")]
    [InlineData("name\nA\u0001da\n", "line 2: the name has control characters")]
    [InlineData("name\nA\uFFFDda\n", "line 2: this is no text in UTF-8")]
    public void What_is_not_right_is_named_and_nobody_is_invited(string text, string what)
    {
        var error = Assert.Throws<UserErrorException>(() => PeopleCsv.Read("people.csv", text));
        Assert.StartsWith($"people.csv {what}", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("nobody was invited", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_bad_row_in_ten_thousand_is_found()
    {
        var rows = Enumerable
            .Range(1, 10_000)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"Person {i},{(i == 7_777 ? "many" : "1")}\n"));
        var text = "name,uses\n" + string.Concat(rows);
        var error = Assert.Throws<UserErrorException>(() => PeopleCsv.Read("people.csv", text));
        Assert.StartsWith("people.csv line 7778: 'many' uses", error.Message, StringComparison.Ordinal);
        Assert.Equal(
            10_000,
            PeopleCsv.Read("people.csv", text.Replace("many", "1", StringComparison.Ordinal)).People.Count
        );
        var tooMany = "name\n" + string.Concat(Enumerable.Repeat("x\n", 20_001));
        Assert.Throws<UserErrorException>(() => PeopleCsv.Read("people.csv", tooMany));
    }
}
