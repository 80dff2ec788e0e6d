//! What the parts of a network are called: in our files, in the paper authors' state dicts, in those of other programs.

use crate::settings::nearest;

/// A part of a network, or a kind of part of which every layer has one.
struct Part {
    /// Its name in our files; `<i>` stands for the number of a layer.
    ours: &'static str,
    /// Its names elsewhere.
    others: &'static [&'static str],
    /// What it is, for the help text.
    about: &'static str,
}

/// The embedding of a toy model of superposition.
pub const EMBED: &str = "embed";
/// The unembedding of a toy model of superposition, which state dicts hold whether it is tied or not.
pub const UNEMBED: &str = "unembed";
/// The embedding of a residual MLP.
pub const W_E: &str = "W_E";
/// The unembedding of a residual MLP.
pub const W_U: &str = "W_U";

const PARTS: [Part; 10] = [
    Part { ours: EMBED, others: &["linear1.weight", "W"], about: "toy model: W [feature, hidden]" },
    Part { ours: "hidden.<i>", others: &["hidden_layers.<i>.weight"], about: "its hidden layers [hidden, hidden]" },
    Part { ours: "bias", others: &["b_final", "linear2.bias"], about: "its bias [feature]" },
    Part { ours: UNEMBED, others: &["linear2.weight"], about: "its unembedding [hidden, feature]" },
    Part { ours: W_E, others: &[], about: "residual MLP: [feature, width]" },
    Part { ours: W_U, others: &[], about: "[width, feature]" },
    Part { ours: "layers.<i>.mlp_in", others: &["layers.<i>.mlp_in.weight"], about: "its layers [width, neuron]" },
    Part { ours: "layers.<i>.mlp_out", others: &["layers.<i>.mlp_out.weight"], about: "[neuron, width]" },
    Part {
        ours: "layers.<i>.b_in",
        others: &["layers.<i>.bias1", "layers.<i>.mlp_in.bias"],
        about: "its biases [neuron]",
    },
    Part { ours: "layers.<i>.b_out", others: &["layers.<i>.bias2", "layers.<i>.mlp_out.bias"], about: "[width]" },
];

/// The parts that are decomposed: in a file of components they have the factors `.A` and `.B`.
const SITES: [&str; 5] = [EMBED, "hidden.<i>", UNEMBED, "layers.<i>.mlp_in", "layers.<i>.mlp_out"];
const FACTORS: [&str; 2] = [".A", ".B"];

const NUMBER: &str = "<i>";
/// What PyTorch's layers append to the name of a matrix; it may follow any name.
const WEIGHT: &str = ".weight";

impl Part {
    /// All its names, without `.weight`.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.ours).chain(self.others.iter().copied()).map(without_weight)
    }
}

/// Every known name, without `.weight`, with what our files call the part.
fn known() -> impl Iterator<Item = (String, String)> {
    PARTS.iter().flat_map(|part| {
        let factors = FACTORS.iter().copied().filter(|_| SITES.contains(&part.ours));
        std::iter::once("").chain(factors).flat_map(move |factor| {
            part.names().map(move |name| (format!("{name}{factor}"), format!("{}{factor}", part.ours)))
        })
    })
}

fn without_weight(name: &str) -> &str {
    name.strip_suffix(WEIGHT).unwrap_or(name)
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number of the layer that a name is about.
fn number_in(name: &str) -> &str {
    name.split('.').rfind(|part| is_number(part)).unwrap_or(NUMBER)
}

/// Divides the name of a tensor in a file: into what stands before the name of the part (empty, or with a dot at its
/// end), and what our files call the part. `None`: no part is called so.
pub fn divide(theirs: &str) -> Option<(String, String)> {
    // In the summer of 2025 the code of SPD's authors had the layers of a network within others, as their `original`.
    let theirs = theirs.replace(".original.", ".");
    let theirs: Vec<&str> = without_weight(&theirs).split('.').collect();
    let start_of = |pattern: &str| {
        let pattern: Vec<&str> = pattern.split('.').collect();
        let start = theirs.len().checked_sub(pattern.len())?;
        let fits = |(pattern, part): (&&str, &&str)| pattern == part || (*pattern == NUMBER && is_number(part));
        pattern.iter().zip(&theirs[start..]).all(fits).then_some(start)
    };
    // The longest: `linear2.bias` is more than the `bias` of something called `linear2`.
    let found = known().filter_map(|(name, ours)| Some((start_of(&name)?, ours)));
    let (start, ours) = found.min_by_key(|(start, _)| *start)?;
    let prefix = theirs[..start].iter().map(|part| format!("{part}.")).collect();
    Some((prefix, ours.replace(NUMBER, number_in(&theirs[start..].join(".")))))
}

/// Whether this part of ours is a bias, which looks the same in every layout.
pub fn is_bias(ours: &str) -> bool {
    ours.rsplit('.').next().is_some_and(|last| ["bias", "b_in", "b_out"].contains(&last))
}

/// What other programs call a part of ours.
pub fn others(ours: &str) -> Vec<String> {
    let factor = FACTORS.into_iter().find(|factor| ours.ends_with(factor)).unwrap_or("");
    let (site, number) = (ours.strip_suffix(factor).unwrap_or(ours), number_in(ours));
    let Some(part) = PARTS.iter().find(|part| part.ours.replace(NUMBER, number) == site) else { return Vec::new() };
    let others = part.others.iter().map(|other| match factor {
        "" => other.replace(NUMBER, number),
        factor => format!("{}{factor}", without_weight(other)).replace(NUMBER, number),
    });
    others.filter(|other| other != ours).collect()
}

/// The part that a tensor of an unknown name may be, such as `W_E` for `model.w_e`.
pub fn meant(theirs: &str) -> Option<String> {
    /// Shorter names are like too many others.
    const SHORTEST: usize = 3;
    let parts: Vec<&str> = without_weight(theirs).split('.').collect();
    let number = number_in(theirs);
    let likeness = |(name, ours): (String, String)| {
        let start = parts.len().checked_sub(name.split('.').count())?;
        let (typed, name) = (parts[start..].join(".").to_lowercase(), name.replace(NUMBER, number).to_lowercase());
        let is_near = || name.len() >= SHORTEST && nearest(&typed, std::iter::once(name.as_str())).is_some();
        (typed == name || is_near()).then(|| (strsim::jaro_winkler(&typed, &name), ours.replace(NUMBER, number)))
    };
    known().filter_map(likeness).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, ours)| ours)
}

/// The known names as a table for the help text.
pub fn help() -> String {
    const ABOUT: usize = 35;
    const WIDTH: usize = 80;
    let mut text = "Known names; all may begin alike, as with `model.`:\n".to_string();
    for Part { ours, others, about } in &PARTS {
        let mut line = format!("  {about:<ABOUT$} {ours}");
        for other in *others {
            if line.len() + 2 + other.len() >= WIDTH {
                text += &format!("{line},\n");
                line = format!("  {:ABOUT$} {other}", "");
            } else {
                line += &format!(", {other}");
            }
        }
        text += &format!("{line}\n");
    }
    text += "Components, at each matrix but W_E and W_U:\n";
    for (about, name) in
        [("A [component, d_in, rank]", "NAME.A, as in embed.A, linear1.A"), ("B [component, rank, d_out]", "NAME.B")]
    {
        text += &format!("  {about:<ABOUT$} {name}\n");
    }
    text += "Subcomponents of SPD, at the same matrices, called NAME as above:\n";
    for (about, name) in [
        ("V [d_in, subcomponent]", "_components.NAME.V"),
        ("U [subcomponent, d_out]", "_components.NAME.U"),
        ("importance functions", "_ci_fns.NAME.layers.<i>.W, .b"),
    ] {
        text += &format!("  {about:<ABOUT$} {name}\n");
    }
    text + "\
All may have a leading axis of instances. Matrices act as y = x W; transposed
ones, as torch.nn.Linear keeps them, are told by their shapes or by --layout."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_divided_before_the_longest_known_part() {
        let divided = |name| divide(name).map(|(prefix, ours)| format!("{prefix}|{ours}"));
        for (theirs, ours) in [
            ("embed", "|embed"),
            ("W", "|embed"),
            ("model.linear1.weight", "model.|embed"),
            ("linear2.bias", "|bias"),
            ("linear2.weight", "|unembed"),
            ("hidden_layers.3.weight", "|hidden.3"),
            ("module.layers.12.mlp_in.bias", "module.|layers.12.b_in"),
            ("layers.0.bias2", "|layers.0.b_out"),
            ("linear1.A", "|embed.A"),
            ("a.b.layers.1.mlp_out.B", "a.b.|layers.1.mlp_out.B"),
        ] {
            assert_eq!(divided(theirs).as_deref(), Some(ours), "{theirs}");
        }
        for unknown in ["w_e", "embeddings", "layers.x.mlp_in.weight", "W_E.A", "optimizer.state.0.step", ""] {
            assert_eq!(divided(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_part_has_its_other_names() {
        assert_eq!(others("embed"), ["linear1.weight", "W"]);
        assert_eq!(others("embed.A"), ["linear1.A", "W.A"]);
        assert_eq!(others("layers.1.mlp_in"), ["layers.1.mlp_in.weight"]);
        assert_eq!(others("layers.1.mlp_in.B"), [""; 0]);
        assert_eq!(others("layers.0.b_out"), ["layers.0.bias2", "layers.0.mlp_out.bias"]);
        assert_eq!(others("W_E"), [""; 0]);
    }

    #[test]
    fn a_name_that_is_nearly_known_finds_its_part() {
        for (theirs, ours) in [
            ("w_e", "W_E"),
            ("model.Linear1.weight", "embed"),
            ("w", "embed"),
            ("layers.2.mlp_inn.weight", "layers.2.mlp_in"),
            ("b_finl", "bias"),
        ] {
            assert_eq!(meant(theirs).as_deref(), Some(ours), "{theirs}");
        }
        for far in ["x", "optimizer.state.0.step", "encoder.weight"] {
            assert_eq!(meant(far), None, "{far}");
        }
    }
}
