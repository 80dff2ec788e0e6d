//! The tables that toy models of superposition and residual MLPs have in common.

use std::{fmt::Write, fs, path::Path};

use super::{noise, pairs};

pub struct Evidence<'a> {
    pub replicas: usize,
    pub features: usize,
    pub components: usize,
    pub component_of: &'a dyn Fn(usize) -> usize,
}

impl Evidence<'_> {
    pub fn write(&self, folder: &Path) {
        fs::write(folder.join("rate_distortion.csv"), self.rate_distortion()).unwrap();
        fs::write(folder.join("attributions.csv"), self.attributions()).unwrap();
        fs::write(folder.join("coactivity.csv"), self.coactivity()).unwrap();
        fs::write(folder.join("target_training.csv"), self.target_training()).unwrap();
        fs::write(folder.join("baselines.csv"), self.baselines()).unwrap();
    }

    /// The error falls fast until as many components are kept as features are active.
    fn rate_distortion(&self) -> String {
        let mut text = "replica,mean_active,active_ranks,description_length,error\n".to_owned();
        let bits = (self.components as f64).log2();
        for replica in 0..self.replicas {
            writeln!(text, "{replica},0,0,0,0.05").unwrap();
            for step in 0..12 {
                let active = 0.05 * 2_f64.powi(step);
                let error = 0.05 * (-20.0 * active.min(0.3) - active).exp() * (1.0 + 0.2 * noise(replica));
                writeln!(text, "{replica},{active},{active},{},{error:e}", active * (1.0 + bits)).unwrap();
            }
        }
        text
    }

    fn attributions(&self) -> String {
        let mut text = "replica,feature,component,attribution\n".to_owned();
        for (replica, feature) in pairs(self.replicas, self.features) {
            for other in 0..self.features {
                let strength = if other == feature { 0.5 } else { 0.02 * noise(feature * 71 + other).abs() };
                writeln!(text, "{replica},{feature},{},{strength:.5}", (self.component_of)(other)).unwrap();
            }
        }
        text
    }

    /// The components of the first two features go together.
    fn coactivity(&self) -> String {
        let mut text = "replica,component,other,correlation\n".to_owned();
        for replica in 0..self.replicas {
            for (feature, other) in pairs(self.features, self.features).filter(|(feature, other)| feature < other) {
                let ends = [feature, other].map(self.component_of);
                let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
                let correlation = if (feature, other) == (0, 1) { 0.6 } else { 0.02 * noise(low * 131 + high) };
                writeln!(text, "{replica},{low},{high},{correlation:.4}").unwrap();
            }
        }
        text
    }

    fn target_training(&self) -> String {
        let mut text = "replica,step,term,value\n".to_owned();
        for (replica, point) in pairs(self.replicas, 51) {
            let age = point as f64 / 50.0;
            let error = (0.06 * (-8.0 * age).exp() + 0.01) * (0.1 * noise(point + 97 * replica)).exp();
            writeln!(text, "{replica},{},error,{error:e}", 100 * point).unwrap();
        }
        text
    }

    fn baselines(&self) -> String {
        let mut text = "replica,answer,error\n".to_owned();
        for replica in 0..self.replicas {
            for (answer, error) in [("target", 0.01), ("monosemantic", 0.03), ("nothing", 0.06)] {
                writeln!(text, "{replica},{answer},{error}").unwrap();
            }
        }
        text
    }
}
