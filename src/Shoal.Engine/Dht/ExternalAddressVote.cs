using System.Net;

namespace Shoal.Engine;

/// <summary>
/// Which address we have, as those we ask see it (BEP 42 "ip"). "Since a single node can not be trusted ... This
/// could be done by voting": among the last so many voters from different networks three quarters must agree, and to change
/// the outcome there must be as many of them as we remember, since each change costs us our place in the DHT.
/// </summary>
internal sealed class ExternalAddressVote
{
    private const int Ballots = 24;
    private const int Quorum = 16;

    private readonly Queue<(ulong Voter, IPAddress Address)> _ballots = new();

    /// <summary>Null until enough agree.</summary>
    public IPAddress? Winner { get; private set; }

    /// <summary>Counts what one node said; true when the outcome is another now.</summary>
    public bool Vote(IPAddress voter, IPAddress address)
    {
        // Who is here with us sees another address of ours than the world does.
        if (DhtAddress.IsLocal(voter) != DhtAddress.IsLocal(address) || voter.AddressFamily != address.AddressFamily)
        {
            return false;
        }

        var network = DhtAddress.Subnet(voter);
        if (!DhtAddress.IsLocal(voter))
        {
            foreach (var ballot in _ballots)
            {
                if (ballot.Voter == network)
                {
                    return false;
                }
            }
        }

        _ballots.Enqueue((network, address));
        if (_ballots.Count > Ballots)
        {
            _ballots.Dequeue();
        }

        var agreeing = 0;
        foreach (var ballot in _ballots)
        {
            agreeing += ballot.Address.Equals(address) ? 1 : 0;
        }

        var needed = Winner is null ? Quorum : Ballots * 3 / 4;
        var isElected = agreeing >= needed && agreeing * 4 >= _ballots.Count * 3 && !address.Equals(Winner);
        if (!isElected)
        {
            return false;
        }

        Winner = address;
        return true;
    }
}
