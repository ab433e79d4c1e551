using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Shoal.Protocol;

/// <summary>What a SOCKS5 proxy is asked for (RFC 1928).</summary>
public enum Socks5Command : byte
{
    Connect = 1,

    /// <summary>A relay for datagrams, alive as long as the connection that asked for it.</summary>
    UdpAssociate = 3,
}

/// <summary>SOCKS5 (RFC 1928), with user name and password (RFC 1929) where the proxy wants them.</summary>
public sealed class Socks5Negotiation : ProxyNegotiation
{
    private const byte Version = 5;
    private const byte AuthenticationVersion = 1;
    private const byte MethodNone = 0;
    private const byte MethodPassword = 2;

    private readonly Socks5Command _command;
    private readonly ProxyTarget _target;
    private readonly byte[]? _user;
    private readonly byte[]? _password;

    // The longest message of a proxy: a reply with a name of 255 bytes.
    private readonly byte[] _buffer = new byte[4 + 1 + ProxyTarget.MaxHostLength + 2];
    private int _length;
    private State _state;

    private enum State
    {
        Method,
        Authentication,
        Reply,
        Done,
    }

    /// <param name="command">What for.</param>
    /// <param name="target">For <see cref="Socks5Command.UdpAssociate"/> where we send from: usually unknown, 0.0.0.0:0.</param>
    /// <param name="user">1 to 255 bytes of UTF-8; null: none.</param>
    /// <param name="password">The same.</param>
    public Socks5Negotiation(Socks5Command command, ProxyTarget target, string? user, string? password)
    {
        _command = command;
        _target = target;
        if (user is not null)
        {
            _user = Encoding.UTF8.GetBytes(user);
            _password = Encoding.UTF8.GetBytes(password ?? "");
            ArgumentOutOfRangeException.ThrowIfGreaterThan(_user.Length, 255, nameof(user));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(_password.Length, 255, nameof(password));
        }

        ToSend = _user is null ? new byte[] { Version, 1, MethodNone } : [Version, 2, MethodNone, MethodPassword];
    }

    /// <summary>
    /// Once connected, the address the proxy gave: for <see cref="Socks5Command.UdpAssociate"/> where datagrams go to.
    /// Null when it gave a name.
    /// </summary>
    public IPEndPoint? Bound { get; private set; }

    public override ProxyStep Take(ReadOnlySpan<byte> input, out int used)
    {
        used = 0;
        while (_state != State.Done)
        {
            var step = Read();
            if (step != ProxyStep.NeedMore)
            {
                return step;
            }

            if (used == input.Length)
            {
                return ProxyStep.NeedMore;
            }

            var some = Math.Min(Wanted() - _length, input.Length - used);
            input.Slice(used, some).CopyTo(_buffer.AsSpan(_length));
            _length += some;
            used += some;
        }

        return ProxyStep.Connected;
    }

    // How long the message is, as far as its first bytes tell.
    private int Wanted() =>
        _state != State.Reply ? 2
        : _length < 5 ? 5
        : 6
            + _buffer[3] switch
            {
                1 => 4,
                3 => 1 + _buffer[4],
                _ => 16,
            };

    private ProxyStep Read()
    {
        if (_length > 0 && _buffer[0] != (_state == State.Authentication ? AuthenticationVersion : Version))
        {
            return Fail(ProxyFault.NotAProxy);
        }

        if (_length < Wanted())
        {
            return _state == State.Reply ? CheckReplyCode() : ProxyStep.NeedMore;
        }

        _length = 0;
        switch (_state)
        {
            case State.Method when _buffer[1] == MethodNone:
                return Request();
            case State.Method when _buffer[1] == MethodPassword && _user is not null:
                _state = State.Authentication;
                ToSend = (byte[])
                    [AuthenticationVersion, (byte)_user.Length, .. _user, (byte)_password!.Length, .. _password];
                return ProxyStep.Send;
            case State.Method:
                // RFC 1928: "If the selected METHOD is X'FF', none of the methods listed by the client are acceptable".
                return Fail(_buffer[1] is MethodPassword or 0xFF ? ProxyFault.CredentialsNeeded : ProxyFault.NotAProxy);
            case State.Authentication:
                // RFC 1929: "A STATUS field of X'00' indicates success."
                return _buffer[1] == 0 ? Request() : Fail(ProxyFault.CredentialsRefused);
            default:
                Bound = _buffer[3] switch
                {
                    1 => new IPEndPoint(new IPAddress(_buffer.AsSpan(4, 4)), PortAt(8)),
                    4 => new IPEndPoint(new IPAddress(_buffer.AsSpan(4, 16)), PortAt(20)),
                    _ => null,
                };
                _state = State.Done;
                return ProxyStep.Connected;
        }
    }

    private int PortAt(int offset) => BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(offset));

    private ProxyStep Request()
    {
        _state = State.Reply;
        var message = new byte[3 + Socks5Address.MaxLength];
        (message[0], message[1]) = (Version, (byte)_command);
        ToSend = message.AsMemory(0, 3 + Socks5Address.Write(_target, message.AsSpan(3)));
        return ProxyStep.Send;
    }

    // A proxy that refuses may close before the address, which says nothing then.
    private ProxyStep CheckReplyCode()
    {
        if (_length < 2)
        {
            return ProxyStep.NeedMore;
        }

        return _buffer[1] switch
        {
            0 => _length > 3 && _buffer[3] is not (1 or 3 or 4) ? Fail(ProxyFault.NotAProxy) : ProxyStep.NeedMore,
            2 => Fail(ProxyFault.NotAllowed),
            3 or 4 or 6 => Fail(ProxyFault.TargetUnreachable),
            5 => Fail(ProxyFault.TargetRefused),
            7 => Fail(ProxyFault.NotSupported),
            8 => Fail(ProxyFault.AddressNotSupported),
            _ => Fail(ProxyFault.Failed),
        };
    }
}
