use super::*;

fn sample() -> Vec<(String, Tensor)> {
    vec![
        ("embed.A".into(), Tensor::from_slice(&[1_f32, -2.5, 3.0, 4.0, 5.0, 6.0]).view([2, 3]).tr()),
        ("log".into(), Tensor::from_slice(b"abc")),
        ("moment".into(), Tensor::from_slice(&[0.1_f64])),
        ("step".into(), Tensor::from(7_i64)),
        ("nothing".into(), Tensor::zeros([0, 4], (Kind::Float, Device::Cpu))),
    ]
}

fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    write_tensors(&path, &sample(), &[("seed", "3".into())]).unwrap();
    (folder, path)
}

#[test]
fn what_is_written_is_read() {
    let (_folder, path) = written();
    let file = TensorFile::read(&path).unwrap();
    assert_eq!(file.notes, BTreeMap::from([("seed".to_string(), "3".to_string())]));
    let names: Vec<&str> = file.tensors.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["moment", "step", "embed.A", "nothing", "log"]);
    for (name, expected) in sample() {
        let found = &file.tensors.iter().find(|(found, _)| *found == name).unwrap().1;
        assert_eq!((found.size(), found.kind()), (expected.size(), expected.kind()), "{name}");
        assert!(found.equal(&expected), "{name}");
    }
}

#[test]
fn the_safetensors_library_reads_it_and_the_same_content_gives_the_same_bytes() {
    let (_folder, path) = written();
    let bytes = std::fs::read(&path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let factor = tensors.tensor("embed.A").unwrap();
    assert_eq!((factor.shape(), factor.dtype()), (&[3, 2][..], Dtype::F32));
    let values: Vec<f32> = factor.data().chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    assert_eq!(values, [1.0, 4.0, -2.5, 5.0, 3.0, 6.0]);
    assert_eq!(bytes, std::fs::read(written().1).unwrap());
}

#[test]
fn a_tensor_is_taken_by_name_and_shape() {
    let (_folder, path) = written();
    let mut file = TensorFile::read(&path).unwrap();
    assert!(file.take("embed.A", &[3, 2]).unwrap().equal(&sample()[0].1));
    let shown = path.display();
    let problem = |result: Result<Tensor, RunError>| result.unwrap_err().what().to_string();
    assert_eq!(problem(file.take("embed.A", &[3, 2])), format!("{shown} is damaged: it holds no tensor embed.A"));
    assert_eq!(problem(file.take("moment", &[2])), format!("{shown} is damaged: moment has the shape [1], not [2]"));
}

#[test]
fn every_truncation_and_a_flipped_bit_in_any_byte_is_refused() {
    let (_folder, path) = written();
    let sound = std::fs::read(&path).unwrap();
    for length in 0..sound.len() {
        std::fs::write(&path, &sound[..length]).unwrap();
        assert!(TensorFile::read(&path).unwrap_err().is_damaged(), "cut to {length} bytes");
        assert!(check_tensors(&path).unwrap_err().is_damaged(), "cut to {length} bytes");
    }
    for position in 0..sound.len() {
        let bit = position * 5 % 8;
        let mut bytes = sound.clone();
        bytes[position] ^= 1 << bit;
        std::fs::write(&path, &bytes).unwrap();
        assert!(TensorFile::read(&path).unwrap_err().is_damaged(), "bit {bit} of byte {position} flipped");
        assert!(check_tensors(&path).unwrap_err().is_damaged(), "bit {bit} of byte {position} flipped");
    }
}

#[test]
fn sizes_are_checked_before_memory_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let file_with = |header: &str| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        std::fs::write(&path, bytes).unwrap();
        TensorFile::read(&path).unwrap_err().what().replace(&path.display().to_string(), "a")
    };
    let huge = r#"{"x":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#;
    assert_eq!(file_with(huge), "a is damaged: it has 86 bytes, its header speaks of 4000000000086");
    // Eight tensors of as many bytes as the library lets one have: with the header, more than 64 bits can count.
    let largest = u64::MAX / 8;
    let tensor = |place: u64| {
        let offsets = [place * largest, (place + 1) * largest];
        format!(r#""{place}":{{"dtype":"U8","shape":[{largest}],"data_offsets":{offsets:?}}}"#)
    };
    let end_of_numbers = format!("{{{}}}", (0..8).map(tensor).collect::<Vec<_>>().join(","));
    assert!(file_with(&end_of_numbers).ends_with(" bytes, its header speaks of 18446744073709551615"));
    let overflowing = r#"{"x":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,0]}}"#;
    assert!(file_with(overflowing).starts_with("a is damaged: header: "));
    let empty_but_huge =
        r#"{"__metadata__":{"sha256":""},"x":{"dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[0,0]}}"#;
    assert!(file_with(empty_but_huge).starts_with("a is damaged: "));
    std::fs::write(&path, u64::MAX.to_le_bytes()).unwrap();
    assert!(TensorFile::read(&path).unwrap_err().what().ends_with("its header is larger than the file"));
}

#[test]
fn a_folder_and_a_missing_file_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    assert!(TensorFile::read(folder.path()).unwrap_err().what().ends_with("is damaged: it is not a file"));
    let missing = TensorFile::read(&folder.path().join("b")).unwrap_err();
    assert!(missing.what().ends_with("b: No such file or directory") && !missing.is_damaged());
}

#[test]
#[should_panic(expected = "two tensors of one name")]
fn two_tensors_of_one_name_are_a_mistake_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let twice = [("a".to_string(), Tensor::from(0_f32)), ("a".to_string(), Tensor::from(1_f32))];
    let _ = write_tensors(&folder.path().join("a"), &twice, &[]);
}
