namespace Shoal.Membership;

/// <summary>
/// How many challenges a member answers: so many in any hour, whoever asks. One caller at a time; time is a parameter.
/// </summary>
public sealed class AnswerBudget
{
    private readonly Queue<TimeSpan> _answers = new();

    /// <summary>Counts an answer, unless it is one too many.</summary>
    public bool TryTake(TimeSpan now)
    {
        while (_answers.TryPeek(out var oldest) && now - oldest >= TimeSpan.FromHours(1))
        {
            _answers.Dequeue();
        }

        if (_answers.Count >= CustodyLimits.AnswersPerHour)
        {
            return false;
        }

        _answers.Enqueue(now);
        return true;
    }
}
