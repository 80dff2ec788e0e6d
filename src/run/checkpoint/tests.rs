use super::*;

struct Run {
    _folder: tempfile::TempDir,
    checkpoints: Checkpoints,
}

/// A run that has saved after these steps.
fn saved_at(steps: &[u64]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path().join("checkpoint"), "me");
    let run = Run { _folder: folder, checkpoints };
    steps.iter().for_each(|&step| run.save(step).unwrap());
    run
}

fn at(step: u64) -> Checkpoint {
    let tensors = vec![("embed.A".to_string(), Tensor::from_slice(&[step as f32, 0.1]))];
    Checkpoint {
        step,
        tensors,
        log: vec![TrainingRow { replica: 2, step, term: "faithfulness".into(), value: 0.1 }],
        remark: "so far".into(),
    }
}

impl Run {
    fn save(&self, step: u64) -> Result<(), RunError> {
        let Checkpoint { step, tensors, log, remark } = at(step);
        self.checkpoints.save(step, &tensors, &log, &remark)
    }

    fn step(&self) -> Option<u64> {
        self.checkpoints.load().unwrap().map(|checkpoint| checkpoint.step)
    }

    fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.checkpoints.path(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.checkpoints.folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn everything_comes_back() {
    let checkpoint = saved_at(&[10]).checkpoints.load().unwrap().unwrap();
    let (step, tensors, log) = (checkpoint.step, checkpoint.tensors, checkpoint.log);
    assert_eq!((step, log, checkpoint.remark), (10, at(10).log, "so far".into()));
    assert_eq!(tensors.len(), 1);
    assert_eq!(tensors[0].0, "embed.A");
    assert!(tensors[0].1.equal(&at(10).tensors[0].1));
}

#[test]
fn the_newest_is_used_and_one_before_it_is_kept() {
    let run = saved_at(&[10, 20, 30]);
    assert_eq!(run.step(), Some(30));
    assert_eq!(run.files(), [NEWEST, PREVIOUS]);
    fs::remove_file(run.checkpoints.path(NEWEST)).unwrap();
    assert_eq!(run.step(), Some(20));
}

#[test]
fn whatever_the_damage_to_the_newest_the_one_before_it_is_used() {
    let length = fs::metadata(saved_at(&[20]).checkpoints.path(NEWEST)).unwrap().len() as usize;
    type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 7] = [
        ("emptied", &|bytes| bytes.clear()),
        ("cut in the header", &|bytes| bytes.truncate(20)),
        ("cut in the data", &|bytes| bytes.truncate(length - 1)),
        ("longer", &|bytes| bytes.push(0)),
        ("a bit of a tensor flipped", &|bytes| bytes[length - 1] ^= 1),
        ("header of zeros", &|bytes| bytes[8..40].fill(0)),
        ("all zeros", &|bytes| bytes.fill(0)),
    ];
    for (name, damage) in damages {
        let run = saved_at(&[10, 20]);
        run.damage(NEWEST, damage);
        assert_eq!(run.step(), Some(10), "{name}");
        assert_eq!(run.files(), [DAMAGED, PREVIOUS], "{name}");
        // Saving again never loses the sound one.
        run.save(20).unwrap();
        assert_eq!(run.files(), [DAMAGED, NEWEST, PREVIOUS], "{name}");
        assert_eq!(run.step(), Some(20), "{name}");
    }
}

#[test]
fn without_a_sound_checkpoint_the_beginning_is_left() {
    let run = saved_at(&[10, 20]);
    run.damage(NEWEST, |bytes| bytes.clear());
    run.damage(PREVIOUS, |bytes| bytes.clear());
    assert_eq!(run.step(), None);
    assert_eq!(saved_at(&[]).step(), None);
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let run = saved_at(&[10]);
    let other = Checkpoints::new(run.checkpoints.folder.clone(), "you");
    let what = other.load().unwrap_err().what().to_string();
    assert_eq!(what, format!("{} belongs to another run", run.checkpoints.path(NEWEST).display()));
    assert_eq!(run.step(), Some(10));
}

#[test]
fn a_failed_save_leaves_both_checkpoints() {
    let run = saved_at(&[10, 20]);
    // The newest becomes a folder, so that the rename onto it fails after the writing.
    let newest = run.checkpoints.path(NEWEST);
    fs::create_dir(run.checkpoints.path("aside")).unwrap();
    fs::rename(&newest, run.checkpoints.path("aside/sound")).unwrap();
    fs::create_dir(&newest).unwrap();
    assert!(run.save(30).is_err());
    fs::remove_dir_all(run.checkpoints.path(NEWEST)).ok();
    assert_eq!(run.step(), Some(10));
}

#[test]
fn a_finished_training_leaves_no_checkpoint() {
    let run = saved_at(&[10, 20]);
    run.checkpoints.clear().unwrap();
    assert!(!run.checkpoints.folder.exists());
    assert_eq!(run.step(), None);
}
