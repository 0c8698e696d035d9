//! Input files: records of a length (u32, little endian) and as many bytes.

use std::error::Error;
use std::fs;

/// The first records of a file.
pub(crate) fn read(file: &str, count: usize) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let bytes = fs::read(file)?;
    let mut rest = bytes.as_slice();
    let mut records = Vec::with_capacity(count);
    while records.len() < count {
        let length = read_u32(&mut rest).ok_or("the file has too few records")? as usize;
        records.push(rest.split_off(..length).ok_or("a record is cut off")?.to_vec());
    }
    Ok(records)
}

/// Takes a number from the front.
pub(crate) fn read_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*head))
}
