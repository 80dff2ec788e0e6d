//! Which apd this is: the crate's version and the commit that it was built from.

/// The crate's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit in full, or `unknown` where the sources were not in a git repository of their own.
pub const COMMIT: &str = env!("APD_COMMIT");

/// Whether the sources differed from that commit when they were built.
pub const IS_DIRTY: bool = matches!(env!("APD_DIRTY").as_bytes(), b"true");
