// Every test has a network of its own, so tests of different clients may run side by side. They wait half of the time: three at once
// is what two cores carry without one test's hashing becoming another test's timeout.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
[assembly: AssemblyFixture(typeof(Shoal.InteropTests.Library))]

// The clients are Debian's, the networks are Linux namespaces.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
