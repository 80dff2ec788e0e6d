//! Why a file cannot be used, and what to do instead.

/// Both as parts of a sentence: `cannot use PATH: WHY`, `help: HELP`. In the help `"FILE"` stands for the path.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub why: String,
    pub help: String,
}

const SAVE_AGAIN: &str =
    "save the state dict alone: torch.save(model.state_dict(), \"model.pth\"), or safetensors.torch.save_file";

impl Refusal {
    pub fn new(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self { why: why.into(), help: help.into() }
    }

    /// A file that lacks its end, mostly because a download or a copy was interrupted.
    pub fn cut_off(why: impl Into<String>) -> Self {
        Self::new(why, "download or copy it again, and compare its size with that of the original")
    }
}

/// Where nothing better is known, a file with nothing but the state dict is what helps.
impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::new(why, SAVE_AGAIN)
    }
}

impl From<&str> for Refusal {
    fn from(why: &str) -> Self {
        why.to_string().into()
    }
}
