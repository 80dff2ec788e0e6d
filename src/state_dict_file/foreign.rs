//! Files that are taken for checkpoints by mistake, told by how they begin: what each is, and what to do.

use std::path::Path;

use super::{archive::Archive, refusal::Refusal, shown};

const UNPACK: &str = "unpack it, and give the checkpoint that was in it";
const DOWNLOAD: &str =
    "download the checkpoint itself, and not the page about it; if a server sent this instead, the page says why";
const SAVE_ARRAYS: &str =
    "save the arrays as safetensors: safetensors.numpy.save_file({\"embed\": array, ..}, \"model.safetensors\")";
const FROM_LIBRARY: &str = "load it with its own library, and save the arrays as safetensors: safetensors.numpy.save_file({..}, \"model.safetensors\")";
const FETCH_LFS: &str = "fetch the file itself: git lfs install, then git lfs pull";
const SAVE_STATE: &str = "save the state dict: torch.save(model.state_dict(), \"model.pth\")";
const OTHER: &str = "give a file of torch.save or a safetensors file";

/// Where the bytes are, the bytes, what the file is, and what to do.
type Beginning = (usize, &'static [u8], &'static str, &'static str);

const BINARY: [Beginning; 22] = [
    (0, b"\x1f\x8b", "a gzip archive", UNPACK),
    (0, b"\x1f\x9d", "a compressed file", UNPACK),
    (0, b"BZh", "a bzip2 archive", UNPACK),
    (0, b"\xfd7zXZ\0", "an xz archive", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", UNPACK),
    (0, b"\x04\x22\x4d\x18", "an lz4 archive", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a rar archive", UNPACK),
    (
        257,
        b"ustar",
        "a tar archive, as torch.save left it before 2017",
        "unpack it if a checkpoint lies in it; one of an old PyTorch is read by torch.load(.., weights_only=False): load it, if you \
         trust it, and save it again",
    ),
    (0, b"\x93NUMPY", "an array of numpy", SAVE_ARRAYS),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes", FROM_LIBRARY),
    (0, b"GGUF", "a GGUF file of llama.cpp", OTHER),
    (4, b"TFL3", "a model of TensorFlow Lite", FROM_LIBRARY),
    (0, b"\x08\x01\x12", "a model of TensorFlow or ONNX", FROM_LIBRARY),
    (2, b"\x12", "a model in ONNX", SAVE_STATE),
    (0, b"MATLAB 5.0", "a file of MATLAB", FROM_LIBRARY),
    (0, b"PAR1", "a Parquet table", OTHER),
    (0, b"SQLite format 3\0", "an SQLite database", OTHER),
    (0, b"%PDF", "a PDF document", OTHER),
    (0, b"\x89PNG", "a picture", OTHER),
    (0, b"\x7fELF", "a program", OTHER),
    (0, b"\0GITCRYPT\0", "encrypted by git-crypt", "decrypt it: git-crypt unlock"),
];

/// How text begins, after blanks and whatever the letters' case.
const TEXT: [(&str, &str, &str); 11] = [
    ("version https://git-lfs.github.com/spec/", "a Git LFS pointer, which stands for the file", FETCH_LFS),
    ("# xet version", "a pointer of Xet, which stands for the file", "fetch the file itself: git xet checkout"),
    ("/annex/objects/", "a pointer of git-annex, which stands for the file", "fetch the file itself: git annex get"),
    ("outs:", "a pointer of DVC, which stands for the file", "fetch the file itself: dvc pull"),
    ("model_checkpoint_path:", "the index of a TensorFlow checkpoint", FROM_LIBRARY),
    ("(dp", "a pickle in the text of Python 2", SAVE_STATE),
    ("ccopy_reg", "a pickle in the text of Python 2", SAVE_STATE),
    ("<!doctype html", "an HTML page", DOWNLOAD),
    ("<html", "an HTML page", DOWNLOAD),
    ("<?xml", "an XML document", DOWNLOAD),
    ("<error", "an XML document", DOWNLOAD),
];

/// What is known of a file that is no checkpoint.
pub fn file(bytes: &[u8]) -> Refusal {
    if bytes.iter().all(|&byte| byte == 0) {
        return Refusal::cut_off(format!("it holds nothing but zeros, {} of them", bytes.len()));
    }
    let is_at = |&&(place, begin, ..): &&Beginning| bytes.get(place..).is_some_and(|rest| rest.starts_with(begin));
    // A protobuf whose first field, a version, is small: the byte in the table is too little to tell.
    let is_versioned = |&&(place, ..): &&Beginning| place != 2 || bytes[0] == 8 && bytes[1] < 32;
    if let Some((_, _, what, help)) = BINARY.iter().filter(is_at).find(is_versioned) {
        return Refusal::new(format!("it is {what}"), *help);
    }
    text(bytes).unwrap_or_else(|| "it is neither what torch.save writes nor a safetensors file".into())
}

/// What is known of a folder that was given for a file.
pub fn folder(path: &Path) -> Refusal {
    if path.join(".metadata").is_file() {
        return Refusal::new(
            "it is a checkpoint of torch.distributed in several files",
            "make it one file: python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER model.pth",
        );
    }
    Refusal::new("it is a folder", "give a file in it, of torch.save or a safetensors file")
}

/// What is known of a file if it is text.
fn text(bytes: &[u8]) -> Option<Refusal> {
    const LOOKED_AT: usize = 4096;
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        // A letter of several bytes may be cut in two.
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&head[..error.valid_up_to()]).expect("valid so far")
        }
        Err(_) => return None,
    };
    if text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace() && c != '\u{1b}') {
        return None;
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    let begins = |begin: &str| text.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin));
    if let Some((_, what, help)) = TEXT.iter().find(|(begin, ..)| begins(begin)) {
        return Some(Refusal::new(format!("it is {what}"), *help));
    }
    let begin = shown(&text.split_whitespace().collect::<Vec<_>>().join(" ")).replace("\\\"", "\"");
    Some(match text.chars().next() {
        None => Refusal::new("it holds nothing but blanks", OTHER),
        Some('{' | '[') if text.contains("\"weight_map\"") => Refusal::new(
            "it is the index of a model in several safetensors files",
            "give the files that it names, one after the other, or save them as one",
        ),
        Some('{' | '[') => Refusal::new(
            format!("it is JSON: {begin}"),
            "give the checkpoint itself; if a server sent this instead of it, the text says why",
        ),
        Some('<') => Refusal::new("it is a page or document of the web", DOWNLOAD),
        Some(_) => Refusal::new(format!("it is a text: {begin}"), OTHER),
    })
}

/// What only torch.jit.save puts into an archive.
const TORCH_SCRIPT: &str = "constants.pkl";

/// How a path in an archive ends, what the archive then is, and what to do. The first that fits counts.
const ARCHIVES: [(&str, &str, &str); 12] = [
    (
        TORCH_SCRIPT,
        "a TorchScript archive of torch.jit.save",
        "save its state dict: torch.save(torch.jit.load(\"FILE\").state_dict(), \"model.pth\")",
    ),
    (
        "serialized_exported_program.json",
        "a program of torch.export",
        "save its state dict: torch.save(torch.export.load(\"FILE\").state_dict, \"model.pth\")",
    ),
    (
        "archive_format",
        "a program of torch.export",
        "save its state dict: torch.save(torch.export.load(\"FILE\").state_dict, \"model.pth\")",
    ),
    (
        "extern_modules",
        "a package of torch.package",
        "load the model with torch.package.PackageImporter, and save its state dict: torch.save(model.state_dict(), \"model.pth\")",
    ),
    ("model.weights.h5", "a model of Keras", FROM_LIBRARY),
    (".npy", "a .npz file of numpy", SAVE_ARRAYS),
    (".safetensors", "a zip archive around a checkpoint", UNPACK),
    (".pth", "a zip archive around a checkpoint", UNPACK),
    (".pt", "a zip archive around a checkpoint", UNPACK),
    (".ckpt", "a zip archive around a checkpoint", UNPACK),
    (".bin", "a zip archive around a checkpoint", UNPACK),
    ("[Content_Types].xml", "an Office document", OTHER),
];

/// What is known of an archive that is not one of `torch.save`.
pub fn archive(archive: &Archive) -> Option<Refusal> {
    let holds = |end: &str| archive.paths().any(|path| path.ends_with(end));
    // Such an archive has a data.pkl too, which is not that of torch.save.
    if holds("data.pkl") && !holds(TORCH_SCRIPT) {
        return None;
    }
    let (_, what, help) = ARCHIVES.iter().find(|(end, ..)| holds(end))?;
    Some(Refusal::new(format!("it is {what}"), *help))
}
