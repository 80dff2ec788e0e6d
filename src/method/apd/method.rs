//! What the method is to the rest of the program.

use std::any::Any;

use tch::{Device, Tensor};

use super::{Apd, ApdObjective, Coefficients, checks};
use crate::{
    components::Components,
    fit::Moment,
    initial_values::{InitialValues, Shape},
    method::{
        Circumstances, Decomposed, Decomposition, Method, NotTraded, Published, Settings, Sizes, TradedKey, Words,
    },
    network::Network,
    selection::{BatchTopK, Selection},
    settings::TableReader,
    site::Site,
    weights::Weights,
};

pub static WORDS: Words = Words {
    key: "apd",
    name: "Attribution-based Parameter Decomposition",
    published: Some(Published {
        reference: "Braun, Bushnaq, Heimersheim, Mendel, Sharkey (2025), “Interpretability in Parameter Space: Minimizing \
                    Mechanistic Description Length with Attribution-based Parameter Decomposition”, arXiv:2501.14926",
        bibtex: "\
@article{braun2025interpretability,
  title   = {Interpretability in Parameter Space: Minimizing Mechanistic Description Length with
             Attribution-based Parameter Decomposition},
  author  = {Braun, Dan and Bushnaq, Lucius and Heimersheim, Stefan and Mendel, Jake and Sharkey, Lee},
  journal = {arXiv preprint arXiv:2501.14926},
  year    = {2025}
}",
    }),
    importance: "attribution",
    importance_unit: "output units",
    errors_under_masks: &[],
    losses: "faithfulness falls by orders of magnitude and stays low, minimality and simplicity settle",
    settings: &[
        ("Components", "components"),
        ("Rank budget", "rank"),
        ("Schatten power", "schatten_power"),
        ("Selection", "selection"),
    ],
};

impl Settings for Apd {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn check(&self, circumstances: Circumstances, table: &mut TableReader) {
        checks::check(self, circumstances, table);
    }

    fn sizes(&self, target: &Network) -> Sizes {
        let sites = target.sites();
        let number = self.components as i64;
        let factors = |site: &Site| number * self.rank as i64 * (site.d_in + site.d_out);
        let matrices = number * sites.iter().map(Site::parameters).sum::<i64>();
        Sizes {
            components: self.components,
            rank: self.rank,
            factors: sites.iter().map(factors).sum(),
            matrices,
            // The components' matrices side by side in both directions, each built up from a product.
            of_step: 4 * matrices,
            // The table of attributions with its selection.
            of_sample: 3 * number,
        }
    }

    fn fixed_by(&self, _: &Network, tensors: &[(String, Tensor)]) -> Vec<(String, String, String)> {
        let Some((_, a)) = tensors.iter().find(|(name, _)| name.ends_with(".A")) else { return Vec::new() };
        let there = a.size();
        [("components", self.components, there[1]), ("rank", self.rank, there[3])]
            .map(|(key, here, there)| (format!("method.apd.{key}"), here.to_string(), there.to_string()))
            .into()
    }

    /// In the L_p form none are selected.
    fn selects(&self) -> bool {
        self.selection.lp_power().is_none()
    }

    fn traded_key(&self, batch: usize) -> Result<TradedKey, NotTraded> {
        super::traded_key::traded_key(self, batch)
    }

    fn shape(&self) -> Method {
        // A loss that does not count is not computed, so those that have it are not together with those that have not.
        let counts = |coefficient: f64| f64::from(u8::from(coefficient > 0.0));
        Method::Apd(Self {
            schatten_power: 1.0,
            simplicity_rise: 0.0,
            simplicity_fade: 0.0,
            activity_floor: 0.0,
            initial_values: InitialValues { instances: 1, scale: 1.0, distribution: Shape::Normal },
            coefficients: Coefficients {
                faithfulness: 1.0,
                minimality: 1.0,
                simplicity: 1.0,
                hidden: counts(self.coefficients.hidden),
                output: counts(self.coefficients.output),
            },
            selection: match self.selection {
                Selection::BatchTopK(_) => Selection::BatchTopK(BatchTopK { k: 1.0 }),
                Selection::SampleTopK { .. } => Selection::SampleTopK { k: 1 },
                Selection::Exact {} => Selection::Exact {},
                Selection::Lp { .. } => Selection::Lp { power: 1.0 },
            },
            ..self.clone()
        })
    }

    /// By rank-one parts, each of which adds about the same to a step.
    fn grown(&self, moment: Moment) -> f64 {
        if self.rank == 1 { 1.0 } else { (self.trained_parts(moment) - 1) as f64 / (self.rank - 1) as f64 }
    }

    fn without_growth(&self) -> Option<Method> {
        (self.rank_growth > 0.0 && self.rank > 1).then(|| Method::Apd(Self { rank_growth: 0.0, ..self.clone() }))
    }

    fn untrained<'n>(
        &self,
        pack: &[(&Method, &[u64])],
        _: usize,
        network: &'n Network,
        weights: &Weights,
        device: Device,
    ) -> Box<dyn Decomposition + 'n> {
        let settings = pack.iter().map(|&(method, seeds)| {
            let settings: &dyn Any = &**method;
            (settings.downcast_ref::<Apd>().expect("a pack is of one method"), seeds)
        });
        let sites = network.sites();
        let random = |(apd, seeds): (&Apd, &[u64])| apd.initial_components(&sites, seeds);
        let components = Components::stack(&settings.clone().map(random).collect::<Vec<_>>()).to_device(device);
        let of_replicas = settings.flat_map(|(apd, seeds)| vec![apd.clone(); seeds.len()]).collect();
        Box::new(ApdObjective::new(network, weights, of_replicas, components))
    }

    fn tensors(&self, target: &Network, replicas: usize) -> Vec<(String, Vec<i64>)> {
        let sites = target.sites();
        let (replicas, number, rank) = (replicas as i64, self.components as i64, self.rank as i64);
        let of_site = |Site { name, d_in, d_out }: &Site| {
            [
                (format!("{name}.A"), vec![replicas, number, *d_in, rank]),
                (format!("{name}.B"), vec![replicas, number, rank, *d_out]),
            ]
        };
        sites.iter().flat_map(of_site).collect()
    }

    fn decomposed<'n>(
        &self,
        network: &'n Network,
        weights: &Weights,
        tensor: &dyn Fn(&str) -> Tensor,
    ) -> Box<dyn Decomposed + 'n> {
        let components = Components::from_files(&network.sites(), |name| Some(tensor(name))).expect("all are there");
        let settings = vec![self.clone(); components.replicas() as usize];
        Box::new(ApdObjective::new(network, weights, settings, components))
    }
}
