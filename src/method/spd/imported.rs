//! Finished subcomponents from a file, and the settings that they fix.
//!
//! Their tensors have the names that files of this method keep with the uses of tied weights apart: `embed.A`, `unembed.A`,
//! `importance_function.unembed.0.weight`.

use tch::Tensor;

use super::{Architecture, Spd, settings::TiedWeights};
use crate::{
    method::Settings,
    network::Network,
    site::{PerSite, Site},
};

type Tensors = Vec<(String, Tensor)>;

/// The keys of those settings that the tensors fix, with their values here and there; nothing of tensors that another method
/// has made.
pub fn fixed_by(spd: &Spd, target: &Network, tensors: &[(String, Tensor)]) -> Vec<(String, String, String)> {
    let apart = target.with_uses_apart();
    let shape =
        |name: &str| tensors.iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor.size()[1..].to_vec());
    let Some(found) = Architecture::of_tensors(&apart, shape) else { return Vec::new() };
    let is_together = spd.tied_weights != TiedWeights::Apart && is_tied(target, tensors);
    let sites = if is_together { target.sites() } else { apart.sites() };
    let here = sites.map(|site| spd.subcomponents.at(site, target.features()));
    let apart_sites = apart.sites();
    let there = sites.map(|site| {
        let at_site = apart_sites.iter().zip(found.numbers.iter()).find(|(found, _)| found.name == site.name);
        *at_site.expect("a site of the target is one with uses apart").1
    });
    let widths = |widths: &[usize]| format!("{widths:?}");
    let mut fixed = vec![
        ("subcomponents", in_words(&sites, &here), in_words(&sites, &there)),
        ("importance_function", word(&spd.importance_function), word(&found.importance_function)),
        ("hidden_widths", widths(&spd.hidden_widths), widths(&found.hidden_widths)),
    ];
    if spd.tied_weights != TiedWeights::Apart && !is_together {
        fixed.push(("tied_weights", word(&spd.tied_weights), word(&TiedWeights::Apart)));
    }
    let key = |key: &str| format!("method.{}.{key}", spd.words().key);
    fixed.into_iter().map(|(name, here, there)| (key(name), here, there)).collect()
}

/// The number of subcomponents at every site, as a spec has it.
fn in_words(sites: &PerSite<Site>, numbers: &PerSite<usize>) -> String {
    let first = numbers.iter().next().expect("a network has a site");
    if numbers.iter().all(|number| number == first) {
        return first.to_string();
    }
    let at: Vec<String> =
        sites.iter().zip(numbers.iter()).map(|(site, number)| format!("{:?} = {number}", site.name)).collect();
    format!("{{ at = {{ {} }} }}", at.join(", "))
}

/// A setting of one word, as a spec has it.
fn word(setting: &impl serde::Serialize) -> String {
    toml::Value::try_from(setting).expect("it is plain data").to_string()
}

/// The site that a tied target uses twice, and what its other use is called where the uses are apart.
fn tied_site(target: &Network) -> Option<(String, String)> {
    let name = target.use_names().into_iter().find_map(|name| Some(name.strip_suffix(".transposed")?.to_string()))?;
    let (sites, apart) = (target.sites(), target.with_uses_apart().sites());
    let other = apart.iter().find(|site| !sites.iter().any(|found| found.name == site.name))?;
    Some((name, other.name.clone()))
}

/// Whether V and U of the other use of a tied weight are U and V of the first, transposed.
fn is_tied(target: &Network, tensors: &[(String, Tensor)]) -> bool {
    let Some((site, other)) = tied_site(target) else { return false };
    let get = |name: String| tensors.iter().find(|(found, _)| *found == name).map(|(_, tensor)| tensor);
    let is_transposed = |some: &str, others: &str| {
        let pair = get(format!("{site}.{some}")).zip(get(format!("{other}.{others}")));
        pair.is_some_and(|(some, others)| some.mt().equal(others))
    };
    is_transposed("A", "B") && is_transposed("B", "A")
}

/// The tensors under the names that these settings keep: of a tied weight whose uses are together one set of factors, and an
/// importance function of each use.
pub fn tensors(spd: &Spd, target: &Network, tensors: Tensors) -> Tensors {
    let tied = tied_site(target).filter(|_| spd.tied_weights != TiedWeights::Apart);
    let Some((site, other)) = tied else { return tensors };
    let (factors, function) = (format!("{other}."), format!("importance_function.{other}."));
    let renamed = |(name, tensor): (String, Tensor)| match name.strip_prefix(&function) {
        Some(rest) => Some((format!("importance_function.{site}.transposed.{rest}"), tensor)),
        None => (!name.starts_with(&factors)).then_some((name, tensor)),
    };
    tensors.into_iter().filter_map(renamed).collect()
}

/// The reverse of `tensors`: those of a file that keeps the uses of tied weights together, with the uses apart.
pub fn with_uses_apart(target: &Network, tensors: Tensors) -> Tensors {
    let Some((site, other)) = tied_site(target) else { return tensors };
    let function = format!("importance_function.{site}.transposed.");
    let of_both = |(name, tensor): (String, Tensor)| {
        let transposed = [("A", "B"), ("B", "A")].into_iter().find(|(factor, _)| name == format!("{site}.{factor}"));
        let of_other = transposed.map(|(_, factor)| (format!("{other}.{factor}"), tensor.mt().contiguous()));
        let name = match name.strip_prefix(&function) {
            Some(rest) => format!("importance_function.{other}.{rest}"),
            None => name,
        };
        std::iter::once((name, tensor)).chain(of_other)
    };
    tensors.into_iter().flat_map(of_both).collect()
}
