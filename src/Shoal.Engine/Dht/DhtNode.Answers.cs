using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

// What others ask of us.
internal sealed partial class DhtNode
{
    // An answer with a value of 1000 bytes does not fit the 1024 of BEP 32 with all that BEP 44 has go with it; this
    // still fits any link.
    private const int MaxItemAnswer = 1400;

    // Everything in an answer besides lists, filters, values and items: ids, keys and the lengths in front.
    private const int AnswerFrame = 160;

    private void HandleQuery(IPEndPoint source, KrpcQuery query, TimeSpan now, DhtEffects effects)
    {
        // BEP 43: "It no longer responds to 'query' messages that it receives".
        if (_commons.IsReadOnly || !_commons.Answers.TryTake(1, now))
        {
            return;
        }

        var contact = new NodeContact(query.Id, source);
        // BEP 43: "If it is found, the node should not add the message sender to its routing table."
        if (!query.IsReadOnly && !_table.Queried(contact, now))
        {
            Suggest(contact);
        }

        switch (query.Method)
        {
            case KrpcMethod.Ping:
                SendResponse(source, new KrpcResponse { TransactionId = query.TransactionId, Id = Id }, now, effects);
                break;
            case KrpcMethod.GetPeers:
                AnswerGetPeers(source, query, now, effects);
                break;
            case KrpcMethod.AnnouncePeer:
                AnswerAnnounce(source, query, now, effects);
                break;
            case KrpcMethod.Get:
                AnswerGet(source, query, now, effects);
                break;
            case KrpcMethod.Put:
                AnswerPut(source, query, now, effects);
                break;
            // A method of later times that has a target is a lookup: whoever asks can go on with nodes.
            case KrpcMethod.FindNode:
            case KrpcMethod.SampleInfohashes:
            case KrpcMethod.Unknown when query.Target is not null:
                AnswerNodes(source, query, now, effects);
                break;
            default:
                SendError(source, query.TransactionId, KrpcErrorCode.MethodUnknown, "method unknown", now, effects);
                break;
        }
    }

    private void AnswerNodes(IPEndPoint source, KrpcQuery query, TimeSpan now, DhtEffects effects)
    {
        var (nodes, nodes6) = NodesFor(query, query.Target!.Value, int.MaxValue);
        SendResponse(
            source,
            new KrpcResponse
            {
                TransactionId = query.TransactionId,
                Id = Id,
                Nodes = nodes,
                Nodes6 = nodes6,
                Samples = query.Method == KrpcMethod.SampleInfohashes ? Peers.Samples(now) : null,
            },
            now,
            effects
        );
    }

    private void AnswerGetPeers(IPEndPoint source, KrpcQuery query, TimeSpan now, DhtEffects effects)
    {
        var infoHash = query.Target!.Value;
        var left = KrpcWriter.MaxDatagram - AnswerFrame;
        ScrapeFilter? seeds = null;
        ScrapeFilter? peers = null;
        // BEP 33: "If "scrape" is set to 1 in the request and the responding node has database entries for that infohash".
        if (query.Scrape && Peers.TryScrape(infoHash, out seeds, out peers))
        {
            left -= 2 * ScrapeFilter.Size;
        }

        var (nodes, nodes6) = NodesFor(query, infoHash, left);
        left -= (nodes?.Count ?? 0) * NodeContact.SizeIPv4 + (nodes6?.Count ?? 0) * NodeContact.SizeIPv6;
        var valueSize = _family == AddressFamily.InterNetwork ? 8 : 21;
        var values = Peers.Sample(infoHash, Math.Max(0, left / valueSize), query.NoSeeds);
        SendResponse(
            source,
            new KrpcResponse
            {
                TransactionId = query.TransactionId,
                Id = Id,
                Nodes = nodes,
                Nodes6 = nodes6,
                Token = Peers.HasRoom(infoHash) ? _commons.Tokens.Create(source.Address, infoHash, now) : [],
                Values = values,
                SeedFilter = values is null ? null : seeds?.ToArray(),
                PeerFilter = values is null ? null : peers?.ToArray(),
            },
            now,
            effects
        );
    }

    private void AnswerAnnounce(IPEndPoint source, KrpcQuery query, TimeSpan now, DhtEffects effects)
    {
        var infoHash = query.Target!.Value;
        var port = query.ImpliedPort ? source.Port : query.Port;
        // BEP 5: "The queried node must verify that the token was previously sent to the same IP address as the querying
        // node."
        if (port == 0 || !_commons.Tokens.IsValid(query.Token, source.Address, infoHash, now))
        {
            SendError(
                source,
                query.TransactionId,
                KrpcErrorCode.Protocol,
                port == 0 ? "invalid port" : "bad token",
                now,
                effects
            );
        }
        else if (!Peers.Announce(infoHash, new IPEndPoint(source.Address, port), query.IsSeed, now))
        {
            SendError(source, query.TransactionId, KrpcErrorCode.Server, "too many announces", now, effects);
        }
        else
        {
            SendResponse(source, new KrpcResponse { TransactionId = query.TransactionId, Id = Id }, now, effects);
        }
    }

    private void AnswerGet(IPEndPoint source, KrpcQuery query, TimeSpan now, DhtEffects effects)
    {
        var target = query.Target!.Value;
        var item = _commons.Items.Find(target);
        var sequence = item?.Signature?.Sequence;
        // BEP 44: "If a stored item exists but its sequence number is less than or equal to the seq field then the k, v,
        // and sig fields SHOULD be omitted from the response."
        if (sequence is not null && query.KnownSequence is { } known && sequence <= known)
        {
            item = null;
        }

        var (nodes, nodes6) = NodesFor(query, target, MaxItemAnswer - AnswerFrame - 128 - (item?.Value.Length ?? 0));
        SendResponse(
            source,
            new KrpcResponse
            {
                TransactionId = query.TransactionId,
                Id = Id,
                Nodes = nodes,
                Nodes6 = nodes6,
                Token = _commons.Tokens.Create(source.Address, target, now),
                Value = item?.Value,
                Signature = item?.Signature,
                Sequence = sequence,
            },
            now,
            effects
        );
    }

    private void AnswerPut(IPEndPoint source, KrpcQuery query, TimeSpan now, DhtEffects effects)
    {
        // A salt too long has no target of ours, hence no token: said before the token is looked at.
        var item = new DhtItem(query.Value!, query.Signature, query.Signature is null ? [] : query.Salt);
        KrpcErrorCode? refusal =
            item.Salt.Length > DhtItem.MaxSalt ? KrpcErrorCode.SaltTooBig
            : !_commons.Tokens.IsValid(query.Token, source.Address, item.Target, now) ? KrpcErrorCode.Protocol
            : _commons.Items.Put(item, query.CompareAndSwap, source.Address, now);
        if (refusal is { } code)
        {
            SendError(source, query.TransactionId, code, Explain(code), now, effects);
            return;
        }

        SendResponse(source, new KrpcResponse { TransactionId = query.TransactionId, Id = Id }, now, effects);
    }

    private static string Explain(KrpcErrorCode code) =>
        code switch
        {
            KrpcErrorCode.Protocol => "bad token or sequence number",
            KrpcErrorCode.ValueTooBig => "value too big",
            KrpcErrorCode.BadSignature => "invalid signature",
            KrpcErrorCode.SaltTooBig => "salt too big",
            KrpcErrorCode.CompareAndSwapMismatch => "the stored sequence number is another, re-read and try again",
            KrpcErrorCode.SequenceTooLow => "sequence number less than current",
            _ => "cannot store now",
        };

    // BEP 32: "want" decides; without it the family that the query came by.
    private (List<NodeContact>? Nodes, List<NodeContact>? Nodes6) NodesFor(KrpcQuery query, NodeId target, int bytes)
    {
        var own = _family == AddressFamily.InterNetwork ? KrpcWant.IPv4 : KrpcWant.IPv6;
        var want = query.Want == KrpcWant.None ? own : query.Want;
        var (four, six) = _family == AddressFamily.InterNetwork ? (this, Sibling) : (Sibling, this);
        var nodes = want.HasFlag(KrpcWant.IPv4) ? Closest(four, bytes / NodeContact.SizeIPv4) : null;
        bytes -= (nodes?.Count ?? 0) * NodeContact.SizeIPv4;
        var nodes6 = want.HasFlag(KrpcWant.IPv6) ? Closest(six, bytes / NodeContact.SizeIPv6) : null;
        return (nodes, nodes6);

        List<NodeContact>? Closest(DhtNode? node, int room) =>
            node?._table.Closest(target, Math.Clamp(room, 0, _limits.K), forAnswer: true);
    }

    private void SendResponse(IPEndPoint to, KrpcResponse response, TimeSpan now, DhtEffects effects) =>
        SendAnswer(
            to,
            new KrpcResponse
            {
                TransactionId = response.TransactionId,
                Version = _commons.Version,
                // BEP 42: "all DHT responses SHOULD include a top-level field called ip".
                YourEndPoint = to,
                Id = response.Id,
                Nodes = response.Nodes,
                Nodes6 = response.Nodes6,
                Token = response.Token,
                Values = response.Values,
                SeedFilter = response.SeedFilter,
                PeerFilter = response.PeerFilter,
                Value = response.Value,
                Signature = response.Signature,
                Sequence = response.Sequence,
                Samples = response.Samples,
            },
            now,
            effects
        );

    private void SendError(
        IPEndPoint to,
        byte[] transaction,
        KrpcErrorCode code,
        string text,
        TimeSpan now,
        DhtEffects effects
    ) =>
        SendAnswer(
            to,
            new KrpcError
            {
                TransactionId = transaction,
                Version = _commons.Version,
                YourEndPoint = to,
                Code = code,
                Message = text,
            },
            now,
            effects
        );

    private void SendAnswer(IPEndPoint to, KrpcMessage message, TimeSpan now, DhtEffects effects)
    {
        var bytes = Encode(message);
        if (_commons.AnswerBytes.TryTake(bytes.Length, now))
        {
            effects.Datagrams.Add(new DhtDatagram(Number, to, bytes));
        }
    }
}
