//! What the code of SPD's authors (goodfire-ai/spd) calls the parts of a decomposition, and what our files call them.
//!
//! | part | today | before September 2025 | the paper's version (tag v1) |
//! |:--|:--|:--|:--|
//! | V and U of a module, of which our A and B are | `_components.<module>.V`, `.U` | `patched_model.<module>.components.V`, `components.<module>.V` | `components.<module>.A`, `.B` |
//! | a layer of its importance function | `_ci_fns.<module>.layers.<2 i>.W`, `.b` | `_gates...`, `gates...` | `gates.<module>.mlp_in`, `.in_bias`, `.mlp_out`, `.out_bias`; without a hidden layer `.weight`, `.bias` |
//! | one of a function of all modules | `ci_fn._global_ci_fn.layers.<2 i>.W`, `.b` | | |
//! | a copy of the module's bias | `_components.<module>.bias` | | `components.<module>.bias` |
//!
//! Dots in the name of a module are dashes there. Before `_ci_fns` there may be `ci_fn`.

use tch::Tensor;

use super::names;

/// How a tensor of theirs differs from ours, which has an axis of replicas first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// Ours.
    Own,
    /// Without the axis of replicas and without these axes of size 1, counted after it; then transposed if so.
    Theirs { without: &'static [i64], transposed: bool },
}

const AS_OURS: Form = Form::Theirs { without: &[], transposed: false };
const V: Form = Form::Theirs { without: &[2], transposed: true };
const U: Form = Form::Theirs { without: &[1], transposed: false };
/// Of numbers that every subcomponent has one of where ours have a matrix or a vector.
const WITHOUT_IN: Form = U;
const WITHOUT_OUT: Form = Form::Theirs { without: &[2], transposed: false };
const WITHOUT_BOTH: Form = Form::Theirs { without: &[1, 2], transposed: false };

impl Form {
    /// The shape in the file of what is of this `shape` in ours, whose axis of replicas is not counted there.
    pub fn in_file(self, shape: &[i64], replicas: i64) -> Vec<i64> {
        let Self::Theirs { without, transposed } = self else {
            return std::iter::once(replicas).chain(shape.iter().copied()).collect();
        };
        let kept = shape.iter().enumerate().filter(|(axis, _)| !without.contains(&(*axis as i64)));
        let mut shape: Vec<i64> = kept.map(|(_, &size)| size).collect();
        if transposed {
            shape.reverse();
        }
        shape
    }

    /// Ours, with the axis of replicas; `None` if it has too few axes.
    pub fn to_ours(self, tensor: &Tensor) -> Option<Tensor> {
        let Self::Theirs { without, transposed } = self else {
            return (tensor.dim() >= 2).then(|| tensor.shallow_clone());
        };
        let tensor = if transposed { (tensor.dim() == 2).then(|| tensor.tr())? } else { tensor.shallow_clone() };
        let with_axis = |tensor: Tensor, &axis: &i64| (axis as usize <= tensor.dim()).then(|| tensor.unsqueeze(axis));
        let tensor = without.iter().try_fold(tensor, with_axis)?;
        (tensor.dim() > 0).then(|| tensor.unsqueeze(0).contiguous())
    }
}

/// A part of a decomposition.
#[derive(Debug, PartialEq)]
pub struct Part {
    /// What stands before its name: nothing, or words with a dot at their end.
    pub prefix: String,
    /// What our files call it; of a copied bias, the network's. `None`: nothing, but it stands where parts do.
    pub ours: Option<String>,
    pub form: Form,
    /// Whether the name alone tells that it is of subcomponents, rather than of components of any rank.
    pub is_certain: bool,
}

/// The part that a tensor of this name is, if it is one; `axes` is the number of its axes.
pub fn divide(theirs: &str, axes: usize) -> Option<Part> {
    let words: Vec<&str> = theirs.split('.').collect();
    let marks = ["_components", "components", "_ci_fns", "_gates", "gates", "_global_ci_fn", "importance_function"];
    let Some(mark) = words.iter().position(|word| marks.contains(word)) else {
        let (prefix, ours) = names::divide(theirs).filter(|(_, ours)| ours.ends_with(".A") || ours.ends_with(".B"))?;
        return Some(Part { prefix, ours: Some(ours), form: Form::Own, is_certain: false });
    };
    let (mut before, rest) = (&words[..mark], &words[mark + 1..]);
    let (ours, form, is_certain) = match (words[mark], rest) {
        ("importance_function", rest) => {
            let is_layer = matches!(rest, [_, .., layer, "weight" | "bias"] if layer.parse::<u16>().is_ok());
            (is_layer.then(|| words[mark..].join(".")), Form::Own, true)
        }
        ("components", [factor @ ("V" | "U")]) => {
            let start = words.iter().position(|word| *word == "patched_model")?;
            let module = before.get(start + 1..)?.join("-");
            before = &words[..start];
            factor_of(&module, factor, axes)
        }
        ("_components" | "components", [module, leaf]) => factor_of(module, leaf, axes),
        ("_global_ci_fn", ["layers", layer, leaf]) => layer_of("all".into(), layer, leaf),
        ("_ci_fns" | "_gates" | "gates", [module, "layers", layer, leaf]) => match site(module) {
            Some(site) => layer_of(site, layer, leaf),
            None => (None, AS_OURS, true),
        },
        ("_ci_fns" | "_gates" | "gates", [module, leaf]) => first_version(module, leaf),
        (mark, _) => (None, AS_OURS, mark != "components"),
    };
    if let Some(("ci_fn", outer)) = before.split_last().map(|(last, outer)| (*last, outer)) {
        before = outer;
    }
    let prefix = before.iter().map(|word| format!("{word}.")).collect();
    Some(Part { prefix, ours, form, is_certain })
}

type Found = (Option<String>, Form, bool);

fn factor_of(module: &str, leaf: &str, axes: usize) -> Found {
    let (factor, form) = match (leaf, axes) {
        ("V", _) | ("A", ..=2) => ("A", V),
        ("U", _) | ("B", ..=2) => ("B", U),
        ("A" | "B", _) => (leaf, Form::Own),
        // Biases are not decomposed; each component of theirs keeps a copy.
        ("bias", _) => {
            let bias = names::divide(&format!("{}.bias", module.replace('-', ".")));
            return (
                bias.filter(|(prefix, ours)| prefix.is_empty() && names::is_bias(ours)).map(|(_, ours)| ours),
                AS_OURS,
                false,
            );
        }
        _ => return (None, AS_OURS, false),
    };
    (site(module).map(|site| format!("{site}.{factor}")), form, ["V", "U"].contains(&leaf))
}

/// Activation functions stand between the layers and are counted too.
fn layer_of(function: String, layer: &str, leaf: &str) -> Found {
    let layer = layer.parse::<u16>().ok().filter(|layer| layer % 2 == 0).map(|layer| layer / 2);
    let tensor = [("W", "weight"), ("b", "bias")].into_iter().find(|(theirs, _)| *theirs == leaf);
    let ours = layer.zip(tensor).map(|(layer, (_, tensor))| format!("importance_function.{function}.{layer}.{tensor}"));
    (ours, AS_OURS, true)
}

fn first_version(module: &str, leaf: &str) -> Found {
    let (tensor, form) = match leaf {
        "mlp_in" => ("0.weight", WITHOUT_IN),
        "in_bias" => ("0.bias", AS_OURS),
        "mlp_out" => ("1.weight", WITHOUT_OUT),
        "out_bias" => ("1.bias", WITHOUT_IN),
        "weight" => ("0.weight", WITHOUT_BOTH),
        "bias" => ("0.bias", WITHOUT_IN),
        _ => return (None, AS_OURS, true),
    };
    (site(module).map(|site| format!("importance_function.{site}.{tensor}")), form, true)
}

/// The site that is the weight of their module.
fn site(module: &str) -> Option<String> {
    names::divide(&module.replace('-', ".")).filter(|(prefix, _)| prefix.is_empty()).map(|(_, ours)| ours)
}

/// Their module whose weight this site is, with dots.
pub fn module(site: &str) -> String {
    names::others(site).first().map_or(site, |weight| weight.strip_suffix(".weight").unwrap_or(weight)).to_string()
}

/// What their code calls a part of ours today; `None` of what it does not have.
pub fn theirs(ours: &str) -> Option<String> {
    let dashed = |site: &str| module(site).replace('.', "-");
    if let Some(rest) = ours.strip_prefix("importance_function.") {
        let (rest, tensor) = rest.rsplit_once('.')?;
        let (function, layer) = rest.rsplit_once('.')?;
        let tensor = if tensor == "weight" { "W" } else { "b" };
        let layer = 2 * layer.parse::<usize>().ok()?;
        return match function {
            "all" => Some(format!("ci_fn._global_ci_fn.layers.{layer}.{tensor}")),
            tied if tied.ends_with(".transposed") => None,
            site => Some(format!("_ci_fns.{}.layers.{layer}.{tensor}", dashed(site))),
        };
    }
    let (site, factor) = ours.rsplit_once('.')?;
    Some(format!("_components.{}.{}", dashed(site), if factor == "A" { "V" } else { "U" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_of_a_name_is_the_same_part() {
        let ours =
            |theirs: &str| divide(theirs, 2).map(|part| format!("{}|{}", part.prefix, part.ours.unwrap_or_default()));
        for (theirs, expected) in [
            ("_components.linear1.V", "|embed.A"),
            ("_components.hidden_layers-0.U", "|hidden.0.B"),
            ("model._components.layers-1-mlp_out.V", "model.|layers.1.mlp_out.A"),
            ("patched_model.layers.1.mlp_out.components.V", "|layers.1.mlp_out.A"),
            ("components.linear2.A", "|unembed.A"),
            ("embed.A", "|embed.A"),
            ("_components.linear2.bias", "|bias"),
            ("_components.layers-0-mlp_in.bias", "|layers.0.b_in"),
            ("_ci_fns.linear2.layers.2.W", "|importance_function.unembed.1.weight"),
            ("ci_fn._ci_fns.linear2.layers.0.b", "|importance_function.unembed.0.bias"),
            ("_gates.layers-0-mlp_in.layers.0.W", "|importance_function.layers.0.mlp_in.0.weight"),
            ("x.ci_fn._global_ci_fn.layers.4.b", "x.|importance_function.all.2.bias"),
            ("gates.linear1.mlp_in", "|importance_function.embed.0.weight"),
            ("gates.linear1.out_bias", "|importance_function.embed.1.bias"),
            ("gates.linear1.weight", "|importance_function.embed.0.weight"),
            ("importance_function.embed.transposed.0.weight", "|importance_function.embed.transposed.0.weight"),
            // Where parts stand, but none of a known kind.
            ("_components.linear3.V", "|"),
            ("_ci_fns.linear1.layers.1.W", "|"),
            ("ci_fn._global_ci_fn._blocks.0.attn.q_proj.weight", "|"),
        ] {
            assert_eq!(ours(theirs).as_deref(), Some(expected), "{theirs}");
        }
        for other in ["target_model.linear1.weight", "linear2.bias", "W"] {
            assert_eq!(ours(other), None, "{other}");
        }
        for ours in
            ["embed.A", "layers.1.mlp_out.B", "importance_function.hidden.0.1.bias", "importance_function.all.0.weight"]
        {
            let part = divide(&theirs(ours).unwrap(), 2).unwrap();
            assert_eq!((part.ours.as_deref(), part.is_certain), (Some(ours), true));
        }
    }
}
