//! How many subcomponents there are at each site, and what their importance functions are made of.

use super::{ImportanceFunction, ImportanceFunctions, ImportanceKind, importance_function::layer_names};
use crate::{
    graph::SiteUse,
    network::Network,
    site::{PerSite, Site},
};

/// The sizes of everything that SPD learns of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// Number of subcomponents at each site.
    pub numbers: PerSite<usize>,
    pub importance_function: ImportanceKind,
    /// Widths of the hidden layers of every importance function.
    pub hidden_widths: Vec<usize>,
}

impl Architecture {
    /// What the shapes of finished tensors say, which `shape` gives by name and without the axis of replicas: the first of
    /// each kind, or the deepest, counts, and the others may contradict it. `None` if no tensor is the first weight of an
    /// importance function.
    pub fn of_tensors(network: &Network, shape: impl Fn(&str) -> Option<Vec<i64>>) -> Option<Self> {
        let number = |site: &Site| {
            let of_factor = |factor| shape(&format!("{}.{factor}", site.name))?.first().copied();
            of_factor("A").or_else(|| of_factor("B")).unwrap_or(1) as usize
        };
        let sites = network.sites();
        let first_weight = |name: &str| shape(&layer_names(&prefix(name), 0)[0]);
        let together = ImportanceFunctions::names(ImportanceKind::GlobalMlp, &[]).remove(0);
        let (functions, importance_function) = if first_weight(&together).is_some() {
            (vec![together], ImportanceKind::GlobalMlp)
        } else {
            let graph = network.graph();
            let of_uses = network.use_names().into_iter().zip(graph.uses());
            let of_uses = of_uses.map(|(name, site_use)| (first_weight(&name), name, width(&sites, site_use)));
            let found: Vec<_> = of_uses.filter_map(|(shape, name, width)| Some((shape?, name, width))).collect();
            let kind = match &found.first()?.0[..] {
                [_, _] => ImportanceKind::SharedMlp,
                // Where an input is one number, it tells nothing.
                _ if found.iter().any(|(shape, _, width)| *width > 1 && shape.get(1) == Some(width)) => {
                    ImportanceKind::VectorMlp
                }
                _ => ImportanceKind::Mlp,
            };
            (found.into_iter().map(|(_, name, _)| name).collect(), kind)
        };
        let widths = |function: &String| -> Vec<usize> {
            let layers = (0..).map_while(|layer| shape(&layer_names(&prefix(function), layer)[0]));
            layers.map(|shape| shape.last().copied().unwrap_or(1) as usize).collect()
        };
        // The deepest, so that a layer that one of them lacks is missed.
        let mut hidden_widths = functions.iter().map(widths).rev().max_by_key(Vec::len)?;
        hidden_widths.pop();
        Some(Self { numbers: sites.map(number), importance_function, hidden_widths })
    }

    /// The name of each importance function, how wide what it sees is, and how many subcomponents it is for.
    pub fn functions(&self, network: &Network) -> Vec<(String, (i64, i64))> {
        let sites = network.sites();
        let of_use = |site_use: SiteUse| (width(&sites, site_use), self.numbers[site_use.site] as i64);
        let mut sizes: Vec<(i64, i64)> = network.graph().uses().map(of_use).collect();
        if self.importance_function == ImportanceKind::GlobalMlp {
            sizes = vec![sizes.iter().fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))];
        }
        ImportanceFunctions::names(self.importance_function, &network.use_names()).into_iter().zip(sizes).collect()
    }

    /// The name and shape of every tensor that files keep, without the axis of replicas.
    pub fn tensors(&self, network: &Network) -> Vec<(String, Vec<i64>)> {
        let of_site = |(Site { name, d_in, d_out }, &number): (&Site, &usize)| {
            let number = number as i64;
            [(format!("{name}.A"), vec![number, *d_in, 1]), (format!("{name}.B"), vec![number, 1, *d_out])]
        };
        let of_function = |(name, (d_in, number)): (String, (i64, i64))| {
            let shapes = ImportanceFunction::shapes(self.importance_function, d_in, number, &self.hidden_widths);
            let layer = move |(index, (weight, bias)): (usize, (Vec<i64>, Vec<i64>))| {
                let [weight_name, bias_name] = layer_names(&prefix(&name), index);
                [(weight_name, weight), (bias_name, bias)]
            };
            shapes.into_iter().enumerate().flat_map(layer)
        };
        let functions = self.functions(network).into_iter().flat_map(of_function);
        network.sites().iter().zip(self.numbers.iter()).flat_map(of_site).chain(functions).collect()
    }
}

/// How wide the input of a use is.
fn width(sites: &PerSite<Site>, site_use: SiteUse) -> i64 {
    let site = &sites[site_use.site];
    if site_use.transposed { site.d_out } else { site.d_in }
}

fn prefix(function: &str) -> String {
    format!("importance_function.{function}")
}
