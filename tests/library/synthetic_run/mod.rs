//! Writes run folders with made-up but plausible contents, without training anything.
#![allow(unused_imports, dead_code, reason = "no test file uses everything")]

mod evidence;
mod residual_mlp;
pub mod sweep;

use std::{
    f64::consts::TAU,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use evidence::Evidence;
pub use residual_mlp::{RESIDUAL_MLP, SyntheticResidualMlp};
use safetensors::{Dtype, tensor::TensorView};

/// The sizes of a made-up run. Every third replica, beginning with the third, is not recovered: its last feature is
/// in the component of its first.
pub struct SyntheticRun {
    pub features: usize,
    pub hidden: usize,
    pub components: usize,
    pub rank: usize,
    pub replicas: usize,
}

pub const TMS_5_2: SyntheticRun = SyntheticRun { features: 5, hidden: 2, components: 5, rank: 3, replicas: 12 };
pub const TMS_40_10: SyntheticRun = SyntheticRun { features: 40, hidden: 10, components: 50, rank: 11, replicas: 4 };

const STEPS: usize = 20_000;
const LOGGED_EVERY: usize = 200;

impl SyntheticRun {
    /// Writes a finished run into the folder `name` below the tests' temporary folder and returns its path.
    pub fn write(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let seeds: Vec<usize> = (0..self.replicas).collect();
        let spec = format!(
            "format = 1\nname = \"{}-{}\"\nseeds = {seeds:?}\n\n[target.tms]\nfeatures = {}\nhidden = {}\nhidden_layers = 0\n",
            self.features, self.hidden, self.features, self.hidden
        );
        let provenance =
            r#"{"status": "finished", "device": "cpu", "threads": 2, "seconds": 95.2, "commit": "0123456"}"#;
        fs::write(folder.join("spec.toml"), spec).unwrap();
        fs::write(folder.join("provenance.json"), provenance).unwrap();
        self.write_tensors(&folder);
        fs::write(folder.join("training.csv"), self.training()).unwrap();
        fs::write(folder.join("summary.csv"), self.summary()).unwrap();
        fs::write(folder.join("components.csv"), self.component_table()).unwrap();
        fs::write(folder.join("ranks.csv"), self.ranks()).unwrap();
        let evidence = Evidence {
            replicas: self.replicas,
            features: self.features,
            components: self.components,
            component_of: &|feature| self.component_of(feature),
        };
        evidence.write(&folder);
        fs::write(folder.join("features.csv"), self.feature_table()).unwrap();
        fs::write(folder.join("responses.csv"), self.responses()).unwrap();
        folder
    }

    fn feature_table(&self) -> String {
        let mut text = "replica,feature,component,cosine,norm_ratio,leak,error_alone\n".to_owned();
        for (replica, feature) in pairs(self.replicas, self.features) {
            writeln!(text, "{replica},{feature},{},0.998,0.95,0.02,1e-4", self.component_of(feature)).unwrap();
        }
        text
    }

    /// Of the linear part: inner products of the features' rows.
    fn responses(&self) -> String {
        let mut text = "replica,feature,output,target,component\n".to_owned();
        for (replica, feature) in pairs(self.replicas, self.features) {
            let row = self.row(replica, feature);
            for output in 0..self.features {
                let product: f64 = row.iter().zip(self.row(replica, output)).map(|(a, b)| a * b).sum();
                writeln!(text, "{replica},{feature},{output},{product:.5},{:.5}", 0.95 * product).unwrap();
            }
        }
        text
    }

    fn recovered(&self, replica: usize) -> bool {
        replica % 3 != 2
    }

    /// The component in which a feature is, if it has its own: the order of components is shuffled by a stride.
    fn component_of(&self, feature: usize) -> usize {
        (3 * feature + 2) % self.components
    }

    /// The target's row of a feature.
    fn row(&self, replica: usize, feature: usize) -> Vec<f64> {
        if self.hidden == 2 {
            let angle = TAU * (feature as f64 / self.features as f64 + 0.03 * replica as f64);
            return vec![1.05 * angle.cos(), 1.05 * angle.sin()];
        }
        let row: Vec<f64> = (0..self.hidden).map(|i| noise(replica * 7919 + feature * 101 + i)).collect();
        let norm = row.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
        row.iter().map(|weight| weight / norm).collect()
    }

    /// Component c is one outer product and otherwise noise: A[:, 0] picks its features, B[0, :] is the row of the first.
    fn write_tensors(&self, folder: &Path) {
        let (mut target, mut a, mut b) = (Vec::new(), Vec::new(), Vec::new());
        for replica in 0..self.replicas {
            let rows: Vec<Vec<f64>> = (0..self.features).map(|feature| self.row(replica, feature)).collect();
            target.extend(rows.iter().flatten().map(|weight| *weight as f32));
            let mut factors_a = vec![0.0; self.components * self.features * self.rank];
            let mut factors_b = vec![0.0; self.components * self.rank * self.hidden];
            factors_a.iter_mut().enumerate().for_each(|(i, entry)| *entry = 0.02 * noise(i));
            factors_b.iter_mut().enumerate().for_each(|(i, entry)| *entry = 0.02 * noise(i + 17));
            for (feature, row) in rows.iter().enumerate() {
                let merged = !self.recovered(replica) && feature + 1 == self.features;
                let component = self.component_of(if merged { 0 } else { feature });
                let direction = usize::from(merged);
                factors_a[(component * self.features + feature) * self.rank + direction] = 0.95;
                for (i, weight) in row.iter().enumerate() {
                    factors_b[(component * self.rank + direction) * self.hidden + i] = *weight;
                }
            }
            a.extend(factors_a.iter().map(|entry| *entry as f32));
            b.extend(factors_b.iter().map(|entry| *entry as f32));
        }
        let (r, c, m) = (self.replicas, self.components, self.rank);
        save(&folder.join("target.safetensors"), &[("embed", &[r, self.features, self.hidden], &target)]);
        save(
            &folder.join("components.safetensors"),
            &[("embed.A", &[r, c, self.features, m], &a), ("embed.B", &[r, c, m, self.hidden], &b)],
        );
    }

    fn training(&self) -> String {
        let mut text = "replica,step,term,value\n".to_owned();
        for replica in 0..self.replicas {
            let stuck = if self.recovered(replica) { 1.0 } else { 6.0 };
            for step in (0..=STEPS).step_by(LOGGED_EVERY) {
                let age = step as f64 / STEPS as f64;
                let jitter = (0.4 * noise(step + 31 * replica)).exp();
                let faithfulness = (0.3 * (-14.0 * age).exp() + 2e-6 * stuck) * jitter;
                let minimality = (0.05 * (-6.0 * age).exp() + 4e-4 * stuck) * jitter;
                let simplicity = (0.4 + 0.9 * (-9.0 * age).exp()) * stuck.powf(0.2) * jitter.powf(0.1);
                let total = faithfulness + minimality + 0.7 * simplicity;
                for (term, value) in [
                    ("faithfulness", faithfulness),
                    ("minimality", minimality),
                    ("simplicity", simplicity),
                    ("total", total),
                ] {
                    writeln!(text, "{replica},{step},{term},{value:e}").unwrap();
                }
            }
        }
        text
    }

    fn summary(&self) -> String {
        let mut text =
            "replica,seed,faithfulness,minimality,simplicity,total,mmcs,ml2r,mean_active,alive,mean_rank,recovered\n"
                .to_owned();
        for replica in 0..self.replicas {
            let recovered = self.recovered(replica);
            let jitter = 1.0 + 0.1 * noise(replica + 5);
            let mmcs = if recovered { 0.998 + 2e-4 * noise(replica) } else { 0.93 };
            let ml2r = if recovered { 0.895 + 4e-3 * noise(replica + 1) } else { 0.78 };
            writeln!(
                text,
                "{replica},{replica},{:e},{:e},0.41,0.29,{mmcs},{ml2r},{:.3},{},1.{},{recovered}",
                2.1e-6 * jitter,
                4.2e-4 * jitter,
                0.211 * self.components as f64 / 5.0,
                self.features,
                replica % 4,
            )
            .unwrap();
        }
        text
    }

    fn component_table(&self) -> String {
        let mut text = "replica,component,activation_frequency,mean_attribution,matched_feature,cosine,norm_ratio,\
                        largest_leak,alive,norm_share\n"
            .to_owned();
        for replica in 0..self.replicas {
            for component in 0..self.components {
                let feature = (0..self.features).find(|feature| self.component_of(*feature) == component);
                let (cells, alive) = match feature {
                    Some(feature) => (format!("{feature},0.998,0.95,0.02"), true),
                    None => (",,,".to_owned(), component % 2 == 0),
                };
                writeln!(text, "{replica},{component},0.05,0.3,{cells},{alive},0.1").unwrap();
            }
        }
        text
    }

    fn ranks(&self) -> String {
        let shown = self.rank.min(self.hidden).min(8);
        let mut text =
            "replica,component,site,numerical_rank,stable_rank,entropy_rank,frobenius_norm,nuclear_norm".to_owned();
        (1..=shown).for_each(|index| write!(text, ",singular_value_{index}").unwrap());
        text.push('\n');
        for replica in 0..self.replicas {
            for component in 0..self.components {
                let lives = (0..self.features).any(|feature| self.component_of(feature) == component);
                write!(text, "{replica},{component},embed,1,1.02,1.1,0.95,1.0").unwrap();
                for index in 0..shown {
                    let first = if lives { 0.95 } else { 2e-3 };
                    let value = first * (-3.0 * index as f64 + noise(component * 13 + index + replica)).exp();
                    write!(text, ",{value:e}").unwrap();
                }
                text.push('\n');
            }
        }
        text
    }
}

/// All pairs of numbers below the two.
fn pairs(first: usize, second: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..first).flat_map(move |a| (0..second).map(move |b| (a, b)))
}

/// A number between -1 and 1 that looks random and is the same each time.
fn noise(index: usize) -> f64 {
    let mut bits = (index as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn save(path: &Path, tensors: &[(&str, &[usize], &[f32])]) {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}
