//! Memory that a process needs to start, and not afterwards.
#![expect(unsafe_code, reason = "no safe binding exists; the comments say why nothing is lost")]
#![expect(clippy::disallowed_methods, reason = "an adapter to /proc/self")]

use std::ops::Range;
use std::sync::OnceLock;

/// Where the machine code of this program is, and its constants. Most of it is used only once, and the kernel maps 64 KiB
/// around each page that was used.
#[derive(Debug, Clone, Default)]
pub struct ProgramCode(Vec<Range<usize>>);

impl ProgramCode {
    /// Finds it in `/proc/self`; nothing where that is missing. Looks only once: a process that gives up its files finds it
    /// before.
    pub fn find() -> ProgramCode {
        static FOUND: OnceLock<ProgramCode> = OnceLock::new();
        FOUND.get_or_init(ProgramCode::look).clone()
    }

    fn look() -> ProgramCode {
        let program = std::fs::read_link("/proc/self/exe").ok();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let program = program.as_deref().and_then(std::path::Path::to_str).unwrap_or_default();
        ProgramCode(unchanged(program, &maps))
    }

    /// Gives back what [`ProgramCode::release_pages`] does, and the free memory of the allocator.
    pub fn release(&self) {
        self.release_pages();
        // SAFETY: it takes a number, and touches only memory that the allocator has free.
        #[cfg(target_env = "gnu")]
        unsafe {
            libc::malloc_trim(0)
        };
    }

    /// Gives back the pages of code and constants that are mapped. What is used again comes back from the page cache, 64 KiB in
    /// some microseconds.
    pub fn release_pages(&self) {
        for range in &self.0 {
            let (start, length) = (std::ptr::without_provenance_mut(range.start), range.len());
            // SAFETY: the range is code or constants of this program, mapped from its file, and neither it nor the file can be
            // written, nor did the loader write to it (see `unchanged`). So the kernel gives back what it read from the file,
            // and reads the same again. Where that fails, nothing changed.
            unsafe { libc::madvise(start, length, libc::MADV_DONTNEED) };
        }
    }
}

/// Has the allocator keep two areas for all threads, instead of up to eight for each core: most threads allocate rarely, and
/// each area keeps some hundred KiB that only it can use. Call it before there are threads.
pub fn share_heap() {
    // SAFETY: it takes two numbers, and changes what is allocated from now on.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2)
    };
}

/// The mappings of a program in the text of `/proc/PID/maps` that hold what the file holds: private ones that are executed and
/// never written, and the one of the beginning of the file, if it can only be read. The beginning has the headers, from which
/// the loader learns what it has to change, and lies in one segment with constants and tables. Another mapping that can only
/// be read may have addresses that the loader filled in before it took the right to write away.
fn unchanged(program: &str, maps: &str) -> Vec<Range<usize>> {
    let of_file = |line: &str| {
        // The path is the sixth field, and may have spaces.
        let (fields, path) = line.split_at_checked(line.find('/')?)?;
        let mut fields = fields.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let (rights, offset) = (fields.next()?, fields.next()?);
        let address = |text| usize::from_str_radix(text, 16).ok();
        let is_as_in_file = match rights {
            "r-xp" => true,
            "r--p" => address(offset)? == 0,
            _ => false,
        };
        (path == program && is_as_in_file).then_some(address(start)?..address(end)?)
    };
    maps.lines().filter_map(of_file).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::single_range_in_vec_init, reason = "tests")]
    use super::*;

    const MAPS: &str = "\
55d0c0000000-55d0c0200000 r--p 00000000 fe:00 1311 /usr/bin/a program
55d0c0200000-55d0c2800000 r-xp 00200000 fe:00 1311 /usr/bin/a program
55d0c2800000-55d0c2a00000 rw-p 02800000 fe:00 1311 /usr/bin/a program
55d0c2a00000-55d0c2b00000 rwxp 02800000 fe:00 1311 /usr/bin/a program
55d0c2b00000-55d0c2c00000 r--p 02900000 fe:00 1311 /usr/bin/a program
55d0c2c00000-55d0c2d00000 rw-p 00000000 fe:00 1311 /usr/bin/a program
7f0000000000-7f0000100000 r-xp 00000000 fe:00 2000 /var/lib/ansai/compiled/x
7f0000200000-7f0000300000 r-xp 00000000 00:00 0
7f0000400000-7f0000500000 r-xp 00200000 fe:00 1311 /usr/bin/a program (deleted)
7ffe00000000-7ffe00001000 r-xp 00000000 00:00 0    [vdso]
";

    #[test]
    fn unchanged_is_what_neither_the_program_nor_the_loader_writes() {
        let found = [0x55d0_c000_0000..0x55d0_c020_0000, 0x55d0_c020_0000..0x55d0_c280_0000];
        assert_eq!(unchanged("/usr/bin/a program", MAPS), found);
        assert_eq!(unchanged("/usr/bin/a program (deleted)", MAPS), [0x7f00_0040_0000..0x7f00_0050_0000]);
        assert!(unchanged("", MAPS).is_empty());
    }

    fn resident(range: &Range<usize>) -> u64 {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let of = smaps.split_once(&format!("{:x}-{:x} ", range.start, range.end)).unwrap().1;
        let line = of.lines().find(|line| line.starts_with("Rss:")).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Would break: advice that the kernel does not take, or a program that cannot go on.
    #[test]
    fn what_is_released_is_smaller_and_still_there() {
        let code = ProgramCode::find();
        let [constants, machine_code] = code.0.as_slice() else { panic!("{code:?}") };
        let file = std::fs::File::open("/proc/self/mem").unwrap();
        // All of it, as a start that used everything leaves it.
        let read = |range: &Range<usize>| {
            let mut bytes = vec![0; range.len()];
            std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, range.start as u64).unwrap();
            bytes
        };
        for range in [constants, machine_code] {
            let bytes = read(range);
            let before = resident(range);
            code.release_pages();
            let after = resident(range);
            assert!(after < before, "{after} KiB of {before}");
            assert!(read(range) == bytes, "it is the same afterwards");
        }
    }
}
