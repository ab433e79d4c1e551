using Shoal.Hub;

namespace Shoal.Members;

/// <summary>Hears what becomes of a membership while a hub is followed. From any thread; quick.</summary>
public interface IHubNews
{
    /// <summary>Something that the user should know; once, until the hub has answered again.</summary>
    /// <param name="code">Stable, kebab-case.</param>
    /// <param name="message">For people.</param>
    void Warn(string code, string message);

    /// <summary>The hub answers.</summary>
    void Answered();

    /// <summary>We are no member any more: the authority's list names us. The hub is asked no more.</summary>
    void Revoked();

    /// <summary>Our certificate ended before the hub could renew it. The hub is asked no more.</summary>
    void Expired(HubAddress hub, DateTimeOffset until);
}
