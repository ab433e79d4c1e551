namespace Shoal.Engine;

/// <summary>What is claimed and known of files, and taking claims back.</summary>
internal sealed partial class ResumeJournal
{
    /// <summary>Whether anything is recorded of the piece.</summary>
    public bool Knows(int piece)
    {
        lock (_lock)
        {
            return Image.Claims(piece) || Image.Blocks.ContainsKey(piece) || Image.Suspects[piece];
        }
    }

    /// <summary>How we left the file; null: that is not known.</summary>
    public FileStamp? StampOf(int file)
    {
        lock (_lock)
        {
            return Image.Stamps.TryGetValue(file, out var stamp) ? stamp : null;
        }
    }

    /// <summary>Notes how a file was found that we did not write to.</summary>
    public void NoteStamp(int file, FileStamp stamp)
    {
        lock (_lock)
        {
            EnsureSession();
            Writer.Start(ResumeRecordKind.End).Int32(-1).Int64(Now).Stamps([new(file, stamp)]);
            Append(Writer.Int32(0).Int32(0).Int32(0));
        }
    }

    /// <summary>
    /// Takes back every claim at once and durably: all that was claimed is hashed, by the next run if this one does not get to it.
    /// </summary>
    public void SuspectAll()
    {
        lock (_lock)
        {
            EnsureSession();
            Image.SuspectAll();
            Rewrite();
        }
    }

    /// <summary>What the file was when all of the torrent was proven and durable; null: that is not so, or not known.</summary>
    public FileStamp? SettledStampOf(int file)
    {
        lock (_lock)
        {
            return Image.Durable.IsFull && Image.DurableStamps.TryGetValue(file, out var stamp) ? stamp : null;
        }
    }

    /// <summary>Takes a claim back at once and durably: the piece is about to be overwritten.</summary>
    public void Lose(int piece)
    {
        lock (_lock)
        {
            if (Image.Claims(piece))
            {
                EnsureSession();
                Writer.Start(ResumeRecordKind.End).Int32(-1).Int64(Now).Int32(0).Int32(0).Int32(0);
                Append(Writer.Numbers([piece]));
                Sync();
            }
        }
    }
}
