//! How a file that does not hold what is looked for is refused: with everything that is wrong, in one error.

use std::path::Path;

use crate::run::RunError;

/// More mistakes, or names in a list, than these are only counted.
pub const MAX_SHOWN: usize = 10;

/// The file at `path` is not what is looked for.
pub fn unfit(path: &Path, mistakes: &[String]) -> RunError {
    let what = format!("{} does not fit", path.display());
    RunError::new(
        with_mistakes(&what, mistakes),
        "`apd import --help` lists the names and shapes that are known; --rename gives a tensor another name",
    )
}

/// `what`, followed by the mistakes.
pub fn with_mistakes(what: &str, mistakes: &[String]) -> String {
    if let [only] = mistakes {
        return format!("{what}: {only}");
    }
    let mut lines = vec![format!("{what}:")];
    lines.extend(mistakes.iter().take(MAX_SHOWN).map(|mistake| format!("  - {mistake}")));
    let unshown = mistakes.len().saturating_sub(MAX_SHOWN);
    lines.extend((unshown > 0).then(|| format!("  - and {unshown} more")));
    lines.join("\n")
}
