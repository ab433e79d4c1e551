using Shoal.Files;

namespace Shoal.UnitTests;

public sealed class PrivateFilesTests
{
    [Fact]
    public void Several_that_write_a_file_at_once_all_write_it_whole_and_it_can_be_read_all_the_time()
    {
        var folder = Directory.CreateTempSubdirectory("shoal-private-").FullName;
        try
        {
            var path = Path.Combine(folder, "key");
            PrivateFiles.Write(path, Content(0));
            Parallel.For(
                0,
                64,
                i =>
                {
                    PrivateFiles.Write(path, Content(i));
                    var read = PrivateFiles.Read(path, 10_000);
                    Assert.Equal(Content(read[0]), read);
                }
            );
            Assert.Equal([path], Directory.GetFileSystemEntries(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static byte[] Content(int number)
    {
        var content = new byte[10_000];
        Array.Fill(content, (byte)number);
        return content;
    }
}
