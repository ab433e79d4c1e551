namespace Shoal.Api;

/// <summary>Why a call failed (RFC 9457, application/problem+json).</summary>
public sealed record Problem
{
    /// <summary>urn:shoal:problem: and the code.</summary>
    public required string Type { get; init; }

    /// <summary>The code in words.</summary>
    public required string Title { get; init; }
    public required int Status { get; init; }

    /// <summary>What exactly, for people: names the input and the fault.</summary>
    public required string Detail { get; init; }

    /// <summary>Stable, for programs; docs/api.md lists them.</summary>
    public required string Code { get; init; }

    /// <summary>The field, parameter or setting at fault; null: none.</summary>
    public string? Key { get; init; }

    /// <summary>Where in the settings file; null: nowhere.</summary>
    public int? Line { get; init; }
}
