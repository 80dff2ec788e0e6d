//! A decomposition into subcomponents in a file: V, U and importance functions as the code of SPD's authors saves them beside
//! the network that they are of, or the components of a run of ours by that method.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use tch::Tensor;

use super::{
    StateDictFile,
    layout::FactorLayout,
    mistakes::unfit,
    names,
    options::ImportOptions,
    parts::{is_copy, mistake_in},
    shown,
    state_dict::{Named, meant_name, rename, selected, several, twice},
    subcomponent_names::{Form, Part, divide, module, theirs},
    target::ImportedTarget,
};
use crate::{
    method::spd::{self, Architecture, ImportanceKind},
    network::Network,
    run::RunError,
};

/// What their code calls the network within the decomposition.
const TARGETS: [&str; 3] = ["target_model.", "patched_model.", "model."];

/// Whether the tensors that the user selects are of subcomponents.
pub fn are_in(file: &StateDictFile, options: &ImportOptions<FactorLayout>) -> bool {
    let is_certain = |(name, tensor): (&String, &Tensor)| {
        meant_name(name, options).and_then(|name| divide(&name, tensor.dim())).is_some_and(|part| part.is_certain)
    };
    file.tensors.iter().any(is_certain)
}

/// The tensors of subcomponents of `target`'s network under the names of our files, with the uses of tied weights apart; and
/// what they are, in words.
pub fn read(
    file: &StateDictFile,
    path: &Path,
    target: &ImportedTarget,
    options: &ImportOptions<FactorLayout>,
) -> Result<(Vec<(String, Tensor)>, String), RunError> {
    if options.layout.is_some() {
        let what = format!("{} holds subcomponents, whose V and U have one layout alone", path.display());
        return Err(RunError::new(what, format!("leave {} out", options.flag("layout"))));
    }
    let found = Subcomponents::find(file, path, target, options)?;
    let network = found.network(&target.network);
    // An empty tensor may have any sizes.
    let ours = |name: &str| found.parts.get(name)?.ours().filter(|tensor| tensor.numel() > 0);
    let shape = |name: &str| ours(name).map(|tensor| tensor.size()[1..].to_vec());
    let architecture = Architecture::of_tensors(&network, shape);
    let Some(architecture) = architecture else { return Err(found.without_functions(path, &network)) };
    let expected = architecture.tensors(&network);
    let mistakes = found.mistakes(&expected, target);
    if !mistakes.is_empty() {
        return Err(unfit(path, &mistakes));
    }
    let ours = |(name, _): (String, Vec<i64>)| {
        let part = &found.parts[&name];
        let tensor = part.ours().expect("its shape has been checked");
        let tensor =
            if part.form == Form::Own { tensor } else { in_our_order(&tensor, &name, &architecture, &network) };
        (name, tensor.contiguous())
    };
    let mut tensors: Vec<(String, Tensor)> = expected.into_iter().map(ours).collect();
    if network != target.network.with_uses_apart() {
        tensors = spd::with_uses_apart(&target.network, tensors);
    }
    let kind = toml::Value::try_from(architecture.importance_function).expect("it is plain data");
    let words = format!(
        "its subcomponents are V [d_in, subcomponent], U [subcomponent, d_out]; importance_function = {kind}, \
         hidden_widths = {:?}",
        architecture.hidden_widths
    );
    Ok((tensors, words))
}

/// A part with its tensor in the file.
struct Found<'f> {
    named: Named<'f>,
    form: Form,
}

impl Found<'_> {
    fn ours(&self) -> Option<Tensor> {
        self.form.to_ours(self.named.tensor)
    }
}

struct Subcomponents<'f> {
    /// By what our files call them.
    parts: BTreeMap<String, Found<'f>>,
    /// What stands where parts do, but is none.
    strangers: Vec<&'f str>,
    /// Copies of the target's own tensors, by what our files call those.
    copies: Vec<(String, Named<'f>)>,
}

impl<'f> Subcomponents<'f> {
    fn find(
        file: &'f StateDictFile,
        path: &Path,
        target: &ImportedTarget,
        options: &ImportOptions<FactorLayout>,
    ) -> Result<Self, RunError> {
        let is_part = |name: &str| divide(name, 0).is_some_and(|part| part.ours.is_some());
        let mut entries = selected(file, path, options)?;
        rename(&mut entries, path, options, &|name| is_part(name) || names::divide(name).is_some())?;
        file.check_usable(path, |name| meant_name(name, options).is_some_and(|name| is_part(&name)))?;

        let divided = entries.iter().map(|entry| (entry, divide(&entry.name, entry.named.tensor.dim())));
        let (parts, others): (Vec<_>, Vec<_>) = divided.partition(|(_, part)| part.is_some());
        let parts: Vec<(Named<'f>, Part)> =
            parts.into_iter().filter_map(|(entry, part)| Some((entry.named, part?))).collect();
        let prefixes: BTreeSet<String> = parts.iter().map(|(_, part)| part.prefix.clone()).collect();
        let prefix = match prefixes.first() {
            Some(prefix) if prefixes.len() == 1 || (options.select.is_some() && prefix.is_empty()) => prefix.clone(),
            _ => return Err(several(&prefixes, path, options)),
        };
        let mut found = Self { parts: BTreeMap::new(), strangers: Vec::new(), copies: Vec::new() };
        let of_target: Vec<String> = target
            .weights
            .with_uses_apart(&target.network)
            .named(&target.network.with_uses_apart())
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        for (named, Part { ours, form, .. }) in parts.into_iter().filter(|(_, part)| part.prefix == prefix) {
            match ours {
                Some(ours) if of_target.contains(&ours) => found.copies.push((ours, named)),
                Some(ours) => {
                    if let Some(other) = found.parts.insert(ours, Found { named, form }) {
                        return Err(twice(path, other.named.theirs, named.theirs));
                    }
                }
                None => found.strangers.push(named.theirs),
            }
        }
        for (entry, _) in others {
            let Some((before, ours)) = names::divide(&entry.name) else { continue };
            if before.strip_prefix(&prefix).is_some_and(|before| TARGETS.contains(&before)) && of_target.contains(&ours)
            {
                found.copies.push((ours, entry.named));
            }
        }
        Ok(found)
    }

    /// What the file's names are about: the target, or the same with the uses of tied weights apart.
    fn network(&self, target: &Network) -> Network {
        let is_together = self.parts.keys().any(|name| name.contains(".transposed."));
        if is_together { target.clone() } else { target.with_uses_apart() }
    }

    /// Why there is no importance function of `network` of which sizes could be taken.
    fn without_functions(&self, path: &Path, network: &Network) -> RunError {
        let functions = network.use_names().into_iter().map(|name| format!("importance_function.{name}."));
        let functions: Vec<String> = functions.collect();
        let factors: Vec<String> = network.sites().iter().map(|site| format!("{}.", site.name)).collect();
        let has_place = |name: &str| functions.iter().chain(&factors).any(|prefix| name.starts_with(prefix));
        let misplaced = self.parts.iter().filter(|(name, _)| !has_place(name));
        let misplaced: Vec<String> = misplaced.map(|(_, found)| has_no_place(found.named.theirs)).collect();
        if self.strangers.is_empty() && !self.parts.keys().any(|name| name.starts_with("importance_function.")) {
            let what = "holds subcomponents without the importance functions that say when they are active";
            let what = format!("{} {what}", path.display());
            return RunError::new(what, "save the state dict of the whole component model");
        }
        let lacking = functions.iter().map(|prefix| format!("it lacks {}", with_theirs(&format!("{prefix}0.weight"))));
        unfit(path, &lacking.chain(misplaced).chain(self.strangers()).collect::<Vec<_>>())
    }

    fn strangers(&self) -> Vec<String> {
        self.strangers.iter().map(|name| has_no_place(name)).collect()
    }

    fn mistakes(&self, expected: &[(String, Vec<i64>)], target: &ImportedTarget) -> Vec<String> {
        let own = self.parts.values().find(|found| found.form == Form::Own);
        let replicas = own.and_then(|found| found.named.tensor.size().first().copied()).unwrap_or(1);
        let of_part = |(name, shape): &(String, Vec<i64>)| match self.parts.get(name) {
            None => Some(format!("it lacks {}", with_theirs(name))),
            Some(Found { named, form }) => mistake_in(named, &form.in_file(shape, replicas)),
        };
        let is_expected = |name: &String| expected.iter().any(|(expected, _)| expected == name);
        let unasked = self.parts.iter().filter(|(name, _)| !is_expected(name));
        let unasked = unasked.map(|(_, found)| has_no_place(found.named.theirs));
        let apart = target.network.with_uses_apart();
        let of_target: BTreeMap<String, Tensor> =
            target.weights.with_uses_apart(&target.network).named(&apart).into_iter().collect();
        let copies = self.copies.iter().filter(|(name, named)| !is_copy(named.tensor, &of_target[name]));
        let copies = copies.map(|(_, named)| format!("{} is not that of the target", shown(named.theirs)));
        expected.iter().filter_map(of_part).chain(copies).chain(unasked).chain(self.strangers()).collect()
    }
}

fn has_no_place(theirs: &str) -> String {
    format!("{} has no place in it", shown(theirs))
}

fn with_theirs(ours: &str) -> String {
    match theirs(ours) {
        Some(theirs) => format!("{} ({})", shown(ours), shown(&theirs)),
        None => shown(ours),
    }
}

/// A tensor of the one importance function of all uses, whose inputs and outputs theirs has in the alphabetical order of the
/// modules and ours in that of the forward pass; any other one as it is.
fn in_our_order(tensor: &Tensor, name: &str, architecture: &Architecture, network: &Network) -> Tensor {
    let layer = name.strip_prefix("importance_function.all.").and_then(|rest| rest.split_once('.'));
    let Some((layer, kind)) = layer else { return tensor.shallow_clone() };
    let apart = Architecture { importance_function: ImportanceKind::SharedMlp, ..architecture.clone() };
    let uses: Vec<(String, (i64, i64))> = apart.functions(network);
    let places = |size: &dyn Fn(&(i64, i64)) -> i64| {
        let mut theirs: Vec<usize> = (0..uses.len()).collect();
        theirs.sort_by_key(|&place| module(&uses[place].0));
        let mut first = 0;
        let mut ranges = vec![0..0; uses.len()];
        for place in theirs {
            let size = size(&uses[place].1);
            ranges[place] = first..first + size;
            first += size;
        }
        Tensor::from_slice(&ranges.into_iter().flatten().collect::<Vec<i64>>())
    };
    let mut tensor = tensor.shallow_clone();
    if (layer, kind) == ("0", "weight") {
        tensor = tensor.index_select(1, &places(&|sizes| sizes.0));
    }
    if layer == architecture.hidden_widths.len().to_string() {
        tensor = tensor.index_select(-1, &places(&|sizes| sizes.1));
    }
    tensor
}
