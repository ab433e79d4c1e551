using System.Text.Json;
using System.Text.Json.Serialization;

namespace Shoal.Api;

/// <summary>Enumerations are words in lower case with hyphens, never numbers, whose meaning could move.</summary>
public sealed class WordEnumConverter<T>()
    : JsonStringEnumConverter<T>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
