using System.Net;

namespace Shoal.Hub;

/// <summary>What the operator decides about a hub, once, at its start.</summary>
public sealed record HubOptions
{
    /// <summary>Where to answer; port 0: any.</summary>
    public required IReadOnlyList<IPEndPoint> Listen { get; init; }

    /// <summary>Names and addresses at which members call it: they stand in its certificate.</summary>
    public required IReadOnlyList<string> Hosts { get; init; }

    /// <summary>
    /// Where the authority's keys live, and the database unless <see cref="Postgres"/> is given. Made when missing, for its
    /// owner only. Several hubs of one publication have copies of the same keys.
    /// </summary>
    public required string Folder { get; init; }

    /// <summary>What the authority's key lies under; null: nothing.</summary>
    public KeyProtection? Protection { get; init; }

    /// <summary>Connection string of a PostgreSQL that several hubs share; null: SQLite in the folder.</summary>
    public string? Postgres { get; init; }

    /// <summary>
    /// How long certificates are good, from an hour to 180 days. Default 7 days: so long members go on without the hub, and
    /// so long a member that was offline all the time may take a revoked one for good.
    /// </summary>
    public TimeSpan CertificateLifetime { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How often members shall announce, from 1 s. Default 5 minutes.</summary>
    public TimeSpan AnnounceInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>What is kept of the receipts of members that agreed. Default: sums.</summary>
    public ReceiptRetention Receipts { get; init; } = ReceiptRetention.Sums;

    /// <summary>
    /// Where numbers for Prometheus are answered, without a certificate and without TLS: for this machine or a network that
    /// only operators reach. Null: nowhere.
    /// </summary>
    public IPEndPoint? Metrics { get; init; }

    public HubLimits Limits { get; init; } = HubLimits.Default;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How often it looks what is due. Tests that go days ahead make it longer.</summary>
    internal TimeSpan TickPeriod { get; init; } = TimeSpan.FromSeconds(1);
}
