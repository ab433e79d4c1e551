namespace Shoal.Engine;

/// <summary>How many peers each torrent may unchoke, so that together they are not more than the uplink serves well.</summary>
internal static class UploadShares
{
    /// <summary>Divides the places: nobody gets more than somebody who wants more, or than it wants itself.</summary>
    /// <param name="wanted">Interested peers of each torrent.</param>
    /// <param name="most">Of one torrent, however many it wants.</param>
    /// <param name="limits">How many in all, and at least.</param>
    public static int[] Divide(IReadOnlyList<int> wanted, int most, SharingLimits limits)
    {
        var shares = new int[wanted.Count];
        var left = limits.UploadSlots;
        var order = Enumerable.Range(0, wanted.Count).Where(i => wanted[i] > 0).OrderBy(i => wanted[i]).ToArray();
        for (var i = 0; i < order.Length; i++)
        {
            // Who wants less than its part leaves the rest to the others.
            var part = left / (order.Length - i);
            var share = Math.Min(Math.Min(wanted[order[i]], most), part);
            shares[order[i]] = share;
            left -= share;
        }

        for (var i = 0; i < shares.Length; i++)
        {
            // What nobody wants now may be wanted in a moment.
            shares[i] =
                wanted[i] == 0 || shares[i] >= Math.Min(wanted[i], most)
                    ? most
                    : Math.Max(limits.MinUploadSlots, shares[i]);
        }

        return shares;
    }
}
