//! Random initial factors of subcomponents.

use schemars::JsonSchema;
use serde::Serialize;
use tch::{Kind, Tensor};

use crate::{
    components::{Components, Factors},
    initial_values::sample_normal,
    random::{Purpose, stream},
    settings::{Choice, Variant},
    site::{PerSite, Site},
};

/// The rule by which the factors V [d_in, C] and U [C, d_out] of the C subcomponents of a site get their initial values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InitialFactors {
    /// Normal around zero, V with variance 1 / d_in and U with variance 1 / C.
    #[default]
    Random,
    /// Columns of V and rows of U in random directions, of length one; every row of U is then multiplied by the inner product of
    /// its subcomponent V_c U_c with the target's weight matrix (the code of Bushnaq, Braun and Sharkey 2025).
    #[serde(rename = "aligned")]
    AlignedWithTarget,
}

impl Choice for InitialFactors {
    const VARIANTS: &'static [Variant<Self>] =
        &[Variant::Word("random", Self::Random), Variant::Word("aligned", Self::AlignedWithTarget)];
}

impl InitialFactors {
    /// Subcomponents, each at one site, on the CPU; for each replica from its own seed. `numbers` says how many there are at each
    /// site, `targets` holds its weight matrices [replica, d_in, d_out].
    pub fn components(
        self,
        sites: &PerSite<Site>,
        numbers: &PerSite<usize>,
        targets: &PerSite<Tensor>,
        seeds: &[u64],
    ) -> Components {
        let mut generators: Vec<_> = seeds.iter().map(|&seed| stream(seed, Purpose::InitialComponents, 0)).collect();
        let mut normal = |shape: [i64; 2], variance: f64| sample_normal(&shape, variance.sqrt(), &mut generators);
        let factors = sites.enumerate().map(|(index, &Site { d_in, d_out, .. })| {
            let number = numbers[index] as i64;
            let [of_v, of_u] = match self {
                Self::Random => [1.0 / d_in as f64, 1.0 / number as f64],
                Self::AlignedWithTarget => [1.0, 1.0],
            };
            let (v, u) = (normal([d_in, number], of_v), normal([number, d_out], of_u));
            let (v, u) = if self == Self::Random { (v, u) } else { aligned(&v, &u, &targets[index]) };
            Factors { a: v.unsqueeze(3), b: u.unsqueeze(2) }
        });
        Components::at_one_site_each(factors.collect())
    }
}

/// V [replica, d_in, C] and U [replica, C, d_out] at full length, scaled as [`InitialFactors::AlignedWithTarget`] says.
fn aligned(v: &Tensor, u: &Tensor, target: &Tensor) -> (Tensor, Tensor) {
    let normalised = |tensor: &Tensor, axis: i64| tensor / tensor.norm_scalaropt_dim(2, [axis], true);
    // Each replica by itself: a product over several might sum in another order.
    let of_replica = |replica: i64| {
        let (v, u) = (normalised(&v.get(replica), 0), normalised(&u.get(replica), 1));
        let target = target.get(replica).to_device(v.device());
        let inner_products = (v.tr().matmul(&target) * &u).sum_dim_intlist([1].as_slice(), true, Kind::Float);
        (v, u * inner_products)
    };
    let (v, u): (Vec<_>, Vec<_>) = (0..v.size()[0]).map(of_replica).unzip();
    (Tensor::stack(&v, 0), Tensor::stack(&u, 0))
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    const EACH: [InitialFactors; 2] = [InitialFactors::Random, InitialFactors::AlignedWithTarget];

    /// A site of 30 by 50 with 40 subcomponents and one of 50 by 20 with 70.
    fn components(rule: InitialFactors, seeds: &[u64]) -> (Components, PerSite<Tensor>) {
        let sites: PerSite<Site> = [Site::new("in", 30, 50), Site::new("out", 50, 20)].into_iter().collect();
        let target = |site: &Site| {
            let mut generators: Vec<_> = seeds.iter().map(|&seed| stream(seed, Purpose::InitialTarget, 0)).collect();
            sample_normal(&[site.d_in, site.d_out], 1.0, &mut generators)
        };
        let targets = sites.map(target);
        (rule.components(&sites, &[40, 70].into_iter().collect(), &targets, seeds), targets)
    }

    #[test]
    fn every_subcomponent_is_of_rank_one_and_at_one_site() {
        for rule in EACH {
            let (components, _) = components(rule, &[1, 2, 3]);
            assert_eq!((components.number(), components.rank(), components.live_everywhere()), (110, 1, false));
            let sizes: Vec<_> = components.factors.iter().map(|factors| (factors.a.size(), factors.b.size())).collect();
            let expected = [(vec![3, 30, 40, 1], vec![3, 40, 1, 50]), (vec![3, 50, 70, 1], vec![3, 70, 1, 20])];
            assert_eq!(sizes, expected);
            assert!(components.factors.iter().all(|factors| factors.a.device() == Device::Cpu));
        }
    }

    #[test]
    fn a_replica_depends_on_its_own_seed_and_target_alone() {
        for rule in EACH {
            let (all, own) = (components(rule, &[8, 9]).0, components(rule, &[9]).0);
            for (all, own) in all.factors.iter().zip(own.factors.iter()) {
                assert_eq!(
                    (all.a.narrow(0, 1, 1), all.b.narrow(0, 1, 1)),
                    (own.a.shallow_clone(), own.b.shallow_clone())
                );
            }
        }
    }

    #[test]
    fn random_factors_have_the_stated_variances() {
        let (components, _) = components(InitialFactors::Random, &[4, 5]);
        for (factors, [d_in, number]) in components.factors.iter().zip([[30.0, 40.0], [50.0, 70.0]]) {
            let variance = |tensor: &Tensor| tensor.square().mean(Kind::Double).double_value(&[]);
            assert!((variance(&factors.a) * d_in - 1.0).abs() < 0.12);
            assert!((variance(&factors.b) * number - 1.0).abs() < 0.12);
        }
    }

    #[test]
    fn an_aligned_subcomponent_is_as_long_as_the_target_along_it() {
        let (components, targets) = components(InitialFactors::AlignedWithTarget, &[4, 5]);
        for (factors, target) in components.factors.iter().zip(targets.iter()) {
            let (a, b) = factors.squared_norms();
            assert!((a - 1.0).abs().max().double_value(&[]) < 1e-5);
            // With U_c of length one times s = <V_c U_c, W>, <V_c s U_c, W> is s^2.
            let along = (factors.matrices() * target.unsqueeze(1)).sum_dim_intlist([2, 3].as_slice(), false, None);
            assert!((along - b.squeeze_dim(2)).abs().max().double_value(&[]) < 1e-4);
        }
    }
}
