// Every test has a network of its own, so tests of different clients may run side by side. They wait most of the time: four at once
// is what two cores carry without one test's hashing becoming another test's timeout.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
[assembly: AssemblyFixture(typeof(Shoal.InteropTests.Library))]

// The clients are Debian's, the networks are Linux namespaces.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
