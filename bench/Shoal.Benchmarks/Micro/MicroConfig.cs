using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Shoal.Benchmarks;

/// <summary>Short runs in this process: the parts are internal, and a build for each would take longer than the run.</summary>
internal sealed class MicroConfig : ManualConfig
{
    public MicroConfig()
    {
        AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
        AddColumnProvider(DefaultColumnProviders.Instance);
        AddDiagnoser(MemoryDiagnoser.Default);
        AddLogger(ConsoleLogger.Default);
        AddExporter(MarkdownExporter.GitHub);
        WithOptions(
            ConfigOptions.DisableLogFile | ConfigOptions.JoinSummary | ConfigOptions.DisableOptimizationsValidator
        );
        HideColumns("Error", "StdDev", "Gen0", "Gen1", "Gen2");
    }
}
