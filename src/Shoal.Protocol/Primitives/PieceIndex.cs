namespace Shoal.Protocol;

/// <summary>
/// The index of a piece that exists. Only <see cref="PieceLayout"/> makes one from an integer of the wire,
/// so code that holds a <see cref="PieceIndex"/> need not check it again.
/// </summary>
public readonly record struct PieceIndex : IComparable<PieceIndex>
{
    internal PieceIndex(int value) => Value = value;

    /// <summary>0 to <see cref="PieceLayout.PieceCount"/> - 1.</summary>
    public int Value { get; }

    public int CompareTo(PieceIndex other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public static bool operator <(PieceIndex left, PieceIndex right) => left.Value < right.Value;

    public static bool operator >(PieceIndex left, PieceIndex right) => left.Value > right.Value;

    public static bool operator <=(PieceIndex left, PieceIndex right) => left.Value <= right.Value;

    public static bool operator >=(PieceIndex left, PieceIndex right) => left.Value >= right.Value;
}
