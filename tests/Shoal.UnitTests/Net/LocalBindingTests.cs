using System.Net;
using System.Net.Sockets;
using Shoal.Engine;

namespace Shoal.UnitTests;

/// <summary>Which places may be left by while interfaces come and go. No socket is opened.</summary>
public class LocalBindingTests
{
    private static readonly IPAddress Ours = IPAddress.Parse("192.0.2.5");
    private IReadOnlyList<LocalInterface> _machine = [];

    private LocalBinding Bind(params string[] addresses) =>
        LocalBinding.Create([.. addresses.Select(IPAddress.Parse)], [], () => _machine);

    private static LocalInterface Interface(int index, bool isUp, params IPAddress[] addresses) =>
        new("vpn0", index, isUp, addresses);

    [Fact]
    public void An_address_is_lost_with_its_interface_and_comes_back_with_it()
    {
        _machine = [Interface(3, true, Ours)];
        var local = Bind("192.0.2.5");
        Assert.True(local.IsUsable(0));
        Assert.Empty(local.Refresh());

        // Down it still has its address; and without it the other routes would be taken.
        _machine = [Interface(3, false, Ours)];
        Assert.Equal([(new LocalPlace(Ours, null), false)], local.Refresh());
        Assert.False(local.IsUsable(0));
        Assert.True(local.IsDown(AddressFamily.InterNetwork));
        Assert.Throws<SocketException>(() => local.Open(AddressFamily.InterNetwork, SocketType.Stream));
        Assert.Empty(local.Refresh());

        _machine = [Interface(3, true, Ours)];
        Assert.Equal([(new LocalPlace(Ours, null), true)], local.Refresh());
        Assert.False(local.IsDown(AddressFamily.InterNetwork));
        _machine = [Interface(3, true, IPAddress.Parse("192.0.2.6"))];
        Assert.Equal([(new LocalPlace(Ours, null), false)], local.Refresh());
        Assert.Equal(3, local.Generation);
    }

    [Fact]
    public void An_interface_of_the_same_name_may_be_another()
    {
        _machine = [Interface(3, true, Ours)];
        var local = Bind("192.0.2.5");
        _machine = [Interface(4, true, Ours)];
        Assert.Equal([(new LocalPlace(Ours, null), true)], local.Refresh());
        Assert.Equal(1, local.Generation);
    }

    [Fact]
    public void Addresses_that_no_interface_lists_and_machines_that_do_not_tell_are_left_alone()
    {
        _machine = [Interface(3, true, Ours)];
        var local = Bind("127.0.0.77", "192.0.2.5");
        Assert.Empty(local.Refresh());
        Assert.True(local.IsUsable(0));
        _machine = [];
        Assert.Empty(local.Refresh());
        Assert.True(local.IsUsable(1));
        // One family may be gone while the other is there.
        Assert.False(local.IsDown(AddressFamily.InterNetworkV6));
    }
}
