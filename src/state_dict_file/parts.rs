//! The parts of a state dict, read in one layout: as matrices [in, out], whichever way round they are in the file.

use tch::{Kind, Tensor};

use super::{
    layout::Layout,
    names::{self, W_E, W_U},
    options::ImportOptions,
    shown,
    state_dict::{Named, StateDict, rename_suggestion, with_others},
};

/// How the matrices of a file differ from those of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Turns {
    /// The matrices are transposed.
    pub matrices: bool,
    /// W_E and W_U are the other way round than is usual: than the other matrices, if they are weights of a layer of
    /// PyTorch, and than ours, if they are parameters of their own.
    pub unusual: [bool; 2],
    /// The factors A and B stand for each other.
    pub factors: bool,
}

impl Turns {
    /// Whether a matrix is transposed that the file calls `theirs`.
    pub fn is_turned(&self, ours: &str, theirs: &str) -> bool {
        match [W_E, W_U].iter().position(|embedding| *embedding == ours) {
            None => self.matrices,
            Some(index) => self.unusual[index] != (self.matrices && theirs.ends_with(".weight")),
        }
    }
}

/// A state dict in one layout, and what is wrong with it.
pub struct Parts<'d, 'f> {
    dict: &'d StateDict<'f>,
    turns: Turns,
    /// The parts that were asked for.
    known: Vec<String>,
    mistakes: Vec<String>,
}

impl<'d, 'f> Parts<'d, 'f> {
    pub fn new(dict: &'d StateDict<'f>, turns: Turns) -> Self {
        Self { dict, turns, known: Vec::new(), mistakes: Vec::new() }
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub fn count(&self, name: impl Fn(usize) -> String) -> usize {
        (0..).take_while(|&index| self.has(&name(index))).count()
    }

    /// The tensor that is this part, and whether it is transposed.
    fn find(&self, name: &str) -> Option<(Named<'f>, bool)> {
        let exchanged = match (self.turns.factors, name.strip_suffix(".A"), name.strip_suffix(".B")) {
            (true, Some(site), _) => Some(format!("{site}.B")),
            (true, _, Some(site)) => Some(format!("{site}.A")),
            _ => None,
        };
        let named = *self.dict.parts.get(exchanged.as_deref().unwrap_or(name))?;
        let turned = !names::is_bias(name) && self.turns.is_turned(name, named.theirs);
        Some((named, turned && named.tensor.dim() >= 2))
    }

    /// The shape of a part, [.., in, out]; empty where it is not there.
    pub fn shape(&self, name: &str) -> Vec<i64> {
        self.find(name).map_or(Vec::new(), |(named, turned)| turned_shape(named.tensor.size(), turned))
    }

    /// The last size of a part; 1 where it is not there, which [`Parts::check`] tells.
    pub fn last_size(&self, name: &str) -> i64 {
        self.shape(name).last().copied().unwrap_or(1)
    }

    pub fn mistake(&mut self, mistake: impl Into<String>) {
        self.mistakes.push(mistake.into());
    }

    /// What is wrong if the part from which sizes are taken has no shape that it can have: with it nothing else can be checked.
    pub fn misshapen(&self, name: &str, wanted: &str) -> Vec<String> {
        let (theirs, shape) =
            self.find(name).map_or(("", Vec::new()), |(named, _)| (named.theirs, named.tensor.size()));
        vec![format!("{} has the shape {shape:?}, not {wanted}", shown(theirs))]
    }

    /// That a part is there, of this shape after the axis of instances, and of finite numbers. Returns whether it is.
    pub fn check(&mut self, name: &str, instances: Option<i64>, shape: &[i64]) -> bool {
        self.known.push(name.to_string());
        let Some((named, turned)) = self.find(name) else {
            self.mistake(format!("it lacks {}", with_others(name)));
            return false;
        };
        let shape: Vec<i64> = instances.into_iter().chain(shape.iter().copied()).collect();
        let mistake = mistake_in(&named, &turned_shape(shape, turned));
        let is_sound = mistake.is_none();
        self.mistakes.extend(mistake);
        is_sound
    }

    /// That a part, if it is there, is that of the target [replica, ..], in whichever layout; of one target for all
    /// replicas it may stand there once or for each.
    pub fn check_copy(&mut self, name: &str, of_target: &Tensor) {
        let Some((Named { theirs, tensor }, _)) = self.find(name) else { return };
        self.known.push(name.to_string());
        if !is_copy(tensor, of_target) {
            self.mistake(format!("{} is not that of the target", shown(theirs)));
        }
    }

    /// A part with a leading axis of replicas, [replica, .., in, out].
    pub fn get(&self, name: &str, instances: Option<i64>) -> Option<Tensor> {
        let (named, turned) = self.find(name)?;
        let tensor = if turned { named.tensor.transpose(-1, -2).contiguous() } else { named.tensor.shallow_clone() };
        Some(if instances.is_some() { tensor } else { tensor.unsqueeze(0) })
    }

    /// Everything that is wrong: what was found, and the tensors that nobody has asked for.
    pub fn all_mistakes<L: Layout>(&self, options: &ImportOptions<L>) -> Vec<String> {
        let mut mistakes = self.mistakes.clone();
        let is_unknown = |ours: &&String| !self.known.contains(ours);
        let unasked = self.dict.parts.iter().filter(|(ours, _)| is_unknown(ours));
        let unasked = unasked.map(|(ours, named)| (named.theirs, ours.as_str()));
        let strangers = self.dict.strangers.iter().map(|(theirs, name)| (*theirs, name.as_str()));
        let mut unknown: Vec<(&str, &str)> = unasked.chain(strangers).collect();
        unknown.sort_unstable();
        for (theirs, name) in unknown {
            // Only a part that is missing can be meant.
            let is_missing = |ours: &String| !self.dict.parts.contains_key(ours) && self.known.contains(ours);
            let suggestion =
                names::meant(name).filter(is_missing).and_then(|ours| rename_suggestion(name, &ours, options));
            let suggestion = suggestion.map_or(String::new(), |suggestion| format!("; {suggestion}"));
            mistakes.push(format!("{} has no place in it{suggestion}", shown(theirs)));
        }
        mistakes
    }
}

/// What is wrong with a tensor that is to be of this shape in the file, and of finite numbers.
pub fn mistake_in(Named { theirs, tensor }: &Named, wanted: &[i64]) -> Option<String> {
    let found = tensor.size();
    match () {
        () if found != wanted => {
            let hint = if turned_shape(found.clone(), true) == wanted { " (transposed it would fit)" } else { "" };
            Some(format!("{} has the shape {found:?}, not {wanted:?}{hint}", shown(theirs)))
        }
        () if tensor.numel() == 0 => Some(format!("{} is empty", shown(theirs))),
        () if tensor.isfinite().all().int64_value(&[]) == 0 => {
            let count = tensor.numel() as i64 - tensor.isfinite().sum(Kind::Int64).int64_value(&[]);
            Some(format!("{} has {count} value(s) that are not finite", shown(theirs)))
        }
        () => None,
    }
}

/// Whether a tensor is that of the target [replica, ..], in whichever layout and with or without the axis of replicas.
pub fn is_copy(tensor: &Tensor, of_target: &Tensor) -> bool {
    let own = if tensor.dim() + 1 == of_target.dim() { tensor.unsqueeze(0) } else { tensor.shallow_clone() };
    let is_target = |own: &Tensor| {
        let (own_size, size) = (own.size(), of_target.size());
        own_size.len() == size.len()
            && own_size[1..] == size[1..]
            && (own_size[0] == size[0] || [own_size[0], size[0]].contains(&1))
            && own.eq_tensor(of_target).all().int64_value(&[]) == 1
    };
    is_target(&own) || (own.dim() == 3 && is_target(&own.mt()))
}

/// A shape with its last two sizes exchanged, if it is `turned`.
fn turned_shape(mut shape: Vec<i64>, turned: bool) -> Vec<i64> {
    if let (true, Some(last)) = (turned, shape.len().checked_sub(1).filter(|last| *last > 0)) {
        shape.swap(last, last - 1);
    }
    shape
}
