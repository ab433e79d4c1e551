namespace Shoal.Cli;

/// <summary>What a command needs the network for.</summary>
internal enum NetworkUse
{
    /// <summary>To move content.</summary>
    Transfer,

    /// <summary>To move content for as long as the machine runs; what is not given stands in the settings.</summary>
    Daemon,

    /// <summary>To ask a hub.</summary>
    Hub,

    /// <summary>To move content among members, who find each other by their hub and in no other way.</summary>
    Members,

    /// <summary>To publish: in the DHT, or at a hub and then as <see cref="Members"/>.</summary>
    Publish,
}
