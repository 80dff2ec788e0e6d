//! A zip archive of files as they are, uncompressed (PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16).

/// The archive of these files, each with its path.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (path, content) in files {
        let offset = archive.len() as u32;
        let about = about(path, content);
        archive.extend(b"PK\x03\x04\x14\x00");
        archive.extend(&about);
        archive.extend(path.as_bytes());
        archive.extend(*content);
        directory.extend(b"PK\x01\x02\x14\x00\x14\x00");
        directory.extend(&about);
        // No comment, the first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let (count, start, size) = (files.len() as u16, archive.len() as u32, directory.len() as u32);
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\x00\x00\x00\x00");
    archive.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    archive.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
    archive.extend([0; 2]);
    archive
}

/// What both headers of a file say: no flags, stored, no time, checksum, sizes, no extra field.
fn about(path: &str, content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u32).to_le_bytes();
    let mut about = vec![0; 8];
    about.extend(crc32fast::hash(content).to_le_bytes());
    about.extend([size, size].concat());
    about.extend((path.len() as u16).to_le_bytes());
    about.extend([0; 2]);
    about
}
