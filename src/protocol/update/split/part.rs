//! Blocks as updates of their own.

use crate::protocol::lib0::write_var_uint;

/// Most bytes of the numbers around the blocks of one client: how many, whose, from which clock on.
pub(super) const MAX_SECTION_HEAD: usize = 18;

/// Most bytes around everything else: how many clients, and no deletions.
pub(super) const MAX_PART_HEAD: usize = 6;

/// Blocks of one client without a gap between them.
struct Section {
    client: u64,
    clock: u32,
    next_clock: u32,
    blocks: u64,
    bytes: Vec<u8>,
}

/// An update in the making.
#[derive(Default)]
pub(super) struct Part {
    sections: Vec<Section>,
    size: usize,
}

impl Part {
    fn section(&self, client: u64) -> Option<&Section> {
        self.sections.iter().rfind(|it| it.client == client)
    }

    /// Whether this is what follows in the section that came last.
    pub(super) fn is_continued_by(&self, client: u64, clock: u32) -> bool {
        self.sections.last().is_some_and(|it| it.client == client && it.next_clock == clock)
    }

    pub(super) fn has_gap_before(&self, client: u64, clock: u32) -> bool {
        self.section(client).is_some_and(|it| it.next_clock != clock)
    }

    /// Never less than the size that it would have with these bytes.
    pub(super) fn size_with(&self, client: u64, bytes: &[u8]) -> usize {
        let head = if self.section(client).is_some() { 0 } else { MAX_SECTION_HEAD };
        MAX_PART_HEAD + self.size + head + bytes.len()
    }

    pub(super) fn push(&mut self, client: u64, clock: u32, len: u32, bytes: &[u8]) {
        self.size += bytes.len();
        let index = self.sections.iter().rposition(|it| it.client == client).unwrap_or_else(|| {
            self.size += MAX_SECTION_HEAD;
            let section =
                Section { client, clock, next_clock: clock, blocks: 0, bytes: Vec::new() };
            self.sections.push(section);
            self.sections.len() - 1
        });
        let section = &mut self.sections[index];
        section.next_clock += len;
        section.blocks += 1;
        section.bytes.extend_from_slice(bytes);
    }

    /// Adds the update to `parts`, unless it is empty, and begins anew.
    pub(super) fn finish_into(&mut self, parts: &mut Vec<Vec<u8>>) {
        let Self { mut sections, size } = std::mem::take(self);
        if sections.is_empty() {
            return;
        }
        // As Yjs writes them.
        sections.sort_unstable_by_key(|it| std::cmp::Reverse(it.client));
        let mut update = Vec::with_capacity(MAX_PART_HEAD + size);
        write_var_uint(&mut update, sections.len() as u64);
        for section in sections {
            for number in [section.blocks, section.client, u64::from(section.clock)] {
                write_var_uint(&mut update, number);
            }
            update.extend_from_slice(&section.bytes);
        }
        update.push(0);
        parts.push(update);
    }
}
