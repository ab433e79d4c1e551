using Shoal.Membership;

namespace Shoal.Engine;

/// <summary>
/// Who has given us what, in an invited swarm: bytes of content whose piece was proven, by the member that sent them. What was
/// sent twice or was wrong counts for nobody, so that all of it together is what we have got. Owned by the swarm.
/// </summary>
internal sealed class MemberCredits
{
    private static readonly Dictionary<MemberId, long> Nobody = [];

    // Most torrents have no members, and there may be thousands of them.
    private Dictionary<MemberId, long>? _bytes;
    private IReadOnlyDictionary<MemberId, long>? _snapshot = Nobody;

    /// <summary>A copy, the same one until something was added.</summary>
    public IReadOnlyDictionary<MemberId, long> Snapshot => _snapshot ??= new Dictionary<MemberId, long>(_bytes!);

    /// <summary>Web seeds and peers that have proven nothing are left out.</summary>
    public void Add(PeerState sender, int bytes)
    {
        if (sender.Introduction.Member is { } member && bytes > 0)
        {
            _bytes ??= [];
            _bytes[member.Member] = _bytes.GetValueOrDefault(member.Member) + bytes;
            _snapshot = null;
        }
    }
}
