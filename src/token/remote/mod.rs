//! The room of `RemoteToken`: keys in a cluster of nodes. Comes with the cluster.
