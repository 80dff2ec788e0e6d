//! Adversaries: sources of masks that are chosen so that the output changes most.

use std::ops::Range;

use tch::{Kind, Tensor};

use crate::slices::numbers_on;

/// An adversary's constant in the update of Adam.
const EPSILON: f64 = 1e-8;

/// Sources that live through the training and are moved by Adam towards larger errors.
#[derive(Debug)]
pub struct PersistentAdversary {
    /// [replica, source, column] for every use, in [0, 1]: sample b faces source b mod n.
    pub sources: Vec<Tensor>,
    first_moments: Vec<Tensor>,
    second_moments: Vec<Tensor>,
    /// Number of ascents made, `[replica]`.
    ascents: Tensor,
}

impl PersistentAdversary {
    pub fn new(sources: Vec<Tensor>) -> Self {
        let zeros = || sources.iter().map(Tensor::zeros_like).collect();
        let like = &sources[0];
        let ascents = Tensor::zeros([like.size()[0]], (Kind::Double, like.device()));
        Self { first_moments: zeros(), second_moments: zeros(), ascents, sources }
    }

    /// Moves the sources along `slopes` of the error, at a rate and with the decays of the moments of every replica, and back
    /// into [0, 1].
    pub fn ascend(&mut self, slopes: &[Tensor], rates: &[f64], decays: &[[f64; 2]]) {
        let _ = self.ascents.g_add_scalar_(1.0);
        let device = self.ascents.device();
        let numbers = |values: Vec<f64>| numbers_on(&values, Kind::Double, device);
        let decay = |which: usize| numbers(decays.iter().map(|decays| decays[which]).collect());
        let (first, second) = (decay(0), decay(1));
        let rate: Tensor = numbers(rates.to_vec()) / (1.0 - first.pow(&self.ascents));
        let remaining: Tensor = 1.0 - second.pow(&self.ascents);
        let root = remaining.sqrt().reciprocal();
        let tensors = self.sources.iter_mut().zip(&mut self.first_moments).zip(&mut self.second_moments).zip(slopes);
        for (((sources, first_moment), second_moment), slope) in tensors {
            let of_rows = |numbers: &Tensor| numbers.to_kind(slope.kind()).view([-1, 1, 1]);
            let (first, second) = (of_rows(&first), of_rows(&second));
            first_moment.copy_(&(&*first_moment * &first + slope * (1.0 - &first)));
            second_moment.copy_(&(&*second_moment * &second + slope.square() * (1.0 - &second)));
            let step = &*first_moment * of_rows(&rate) / (second_moment.sqrt() * of_rows(&root) + EPSILON);
            sources.copy_(&(&*sources + step).clamp(0.0, 1.0));
        }
    }

    /// Slopes of samples [replica, sample, column], for every use, added up for the sources that they face.
    pub fn by_source(&self, slopes: impl Iterator<Item = Tensor>) -> Vec<Tensor> {
        slopes.zip(&self.sources).map(|(slopes, sources)| of_sources(&slopes, sources.size()[1])).collect()
    }

    /// Everything that steps change, under names of the uses.
    pub fn state(&self, uses: &[String]) -> Vec<(String, Tensor)> {
        let of = |what: &'static str, tensors: &[Tensor]| {
            let named = uses.iter().zip(tensors);
            named.map(move |(name, tensor)| (format!("adversary.{what}.{name}"), tensor.shallow_clone())).collect()
        };
        let parts: [Vec<_>; 3] = [
            of("sources", &self.sources),
            of("first_moment", &self.first_moments),
            of("second_moment", &self.second_moments),
        ];
        let ascents = ("adversary.ascents".to_string(), self.ascents.shallow_clone());
        parts.into_iter().flatten().chain([ascents]).collect()
    }

    /// Views of some replicas.
    pub fn of_replicas(&self, replicas: Range<usize>) -> Self {
        let narrow = |tensor: &Tensor| tensor.narrow(0, replicas.start as i64, replicas.len() as i64);
        let all = |tensors: &[Tensor]| tensors.iter().map(narrow).collect();
        Self {
            sources: all(&self.sources),
            first_moments: all(&self.first_moments),
            second_moments: all(&self.second_moments),
            ascents: narrow(&self.ascents),
        }
    }
}

/// Sources [replica, n, column] for `samples`: sample b has that of row b mod n.
pub fn for_samples(sources: &Tensor, samples: i64) -> Tensor {
    sources.repeat([1, samples / sources.size()[1], 1])
}

/// The reverse of [`for_samples`]: the slopes [replica, sample, column] of all samples with one source, added up.
pub fn of_sources(slopes: &Tensor, sources: i64) -> Tensor {
    slopes.unflatten(1, [-1, sources]).sum_dim_intlist([1].as_slice(), false, None::<Kind>)
}

/// One projected ascent by the sign of the slope, in which a slope of 0 has the sign 0.
pub fn sign_ascent(sources: &Tensor, slope: &Tensor, step_size: &Tensor) -> Tensor {
    (sources + slope.sign() * step_size).clamp(0.0, 1.0)
}
