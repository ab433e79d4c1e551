using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Shoal.Api;
using Shoal.Daemon;

namespace Shoal.UnitTests;

/// <summary>
/// What JSON leaves out has its default. Code that is generated for JSON sets every init-only property, those that are missing
/// to null or 0, over what the type says: this looks at all types that are read, and compares with what the type says.
/// </summary>
public sealed class JsonDefaultsTests
{
    private static readonly JsonSerializerOptions PlainApi = Plain(ApiJson.Default);
    private static readonly JsonSerializerOptions PlainState = Plain(StateJson.Default);

    public static TheoryData<string> Types =>
        [.. TypesOf(ApiJson.Default).Concat(TypesOf(StateJson.Default)).Select(type => type.FullName!).Distinct()];

    [Theory]
    [MemberData(nameof(Types))]
    public void What_is_left_out_has_the_default_of_its_type(string name)
    {
        JsonSerializerContext context = TypesOf(ApiJson.Default).Any(type => type.FullName == name)
            ? ApiJson.Default
            : StateJson.Default;
        var type = TypesOf(context).First(type => type.FullName == name);
        var json = Sample(type).ToJsonString();
        var read = JsonSerializer.Deserialize(json, context.GetTypeInfo(type)!)!;
        // The same with a constructor and initializers run as the language has it.
        var meant = JsonSerializer.Deserialize(json, type, context == ApiJson.Default ? PlainApi : PlainState)!;
        foreach (var property in Properties(type))
        {
            Assert.True(
                AreSame(property.GetValue(meant), property.GetValue(read)),
                $"{type.Name}.{property.Name} is {property.GetValue(read) ?? "null"} where it is left out, not "
                    + $"{property.GetValue(meant) ?? "null"}: let init set it to that instead of null, or make it nullable"
            );
        }
    }

    private static JsonSerializerOptions Plain(JsonSerializerContext context) =>
        new(context.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };

    private static bool AreSame(object? one, object? other) =>
        one is IEnumerable list and not string && other is IEnumerable others
            ? list.Cast<object>().SequenceEqual(others.Cast<object>())
            : Equals(one, other)
                || (one is JsonElement element && other is JsonElement that && JsonElement.DeepEquals(element, that));

    /// <summary>Only what must be there.</summary>
    private static JsonNode Sample(Type type)
    {
        var nullable = Nullable.GetUnderlyingType(type);
        type = nullable ?? type;
        if (type == typeof(string))
        {
            return JsonValue.Create("x");
        }

        if (type == typeof(bool))
        {
            return JsonValue.Create(true);
        }

        if (type.IsEnum)
        {
            return JsonValue.Create(JsonNamingPolicy.KebabCaseLower.ConvertName(Enum.GetNames(type)[0]));
        }

        if (type.IsPrimitive)
        {
            return JsonValue.Create(1);
        }

        if (type == typeof(JsonElement))
        {
            return JsonValue.Create(1);
        }

        if (typeof(IEnumerable).IsAssignableFrom(type))
        {
            return type.IsGenericType && type.GetGenericArguments().Length == 2 ? new JsonObject() : new JsonArray();
        }

        var sample = new JsonObject();
        var parameters = type.GetConstructors()
            .Where(constructor => constructor.GetParameters() is not [var only] || only.ParameterType != type)
            .SelectMany(constructor => constructor.GetParameters())
            .Where(parameter => !parameter.HasDefaultValue)
            .Select(parameter => (parameter.Name!, parameter.ParameterType));
        var required = Properties(type)
            .Where(property => property.IsDefined(typeof(System.Runtime.CompilerServices.RequiredMemberAttribute)))
            .Select(property => (property.Name, property.PropertyType));
        foreach (var (name, of) in parameters.Concat(required))
        {
            sample[JsonNamingPolicy.CamelCase.ConvertName(name)] = Sample(of);
        }

        return sample;
    }

    private static IEnumerable<PropertyInfo> Properties(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite && property.GetIndexParameters().Length == 0);

    /// <summary>Objects that the context was generated for, with those within them.</summary>
    private static IEnumerable<Type> TypesOf(JsonSerializerContext context) =>
        context
            .GetType()
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(property => property.PropertyType)
            .Where(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(JsonTypeInfo<>))
            .Select(type => type.GetGenericArguments()[0])
            .Where(type =>
                type is { IsEnum: false, IsPrimitive: false, IsGenericType: false, IsArray: false }
                && type != typeof(string)
                && type != typeof(JsonElement)
                && (type.Namespace?.StartsWith("Shoal", StringComparison.Ordinal) ?? false)
            );
}
