//! A file can be removed even if the disk has no space for one more name.

use std::fs::{File, rename, write};
use std::io::Write as _;

use ansai_harness::{Ext4, requires_root};
use ansai_kit::action::Fate;
use ansai_local::files::fields::UNDO_HOURS;

use crate::files_scene::Scene;

#[test]
fn a_full_directory_on_a_full_disk_is_emptied() {
    if !requires_root() {
        return;
    }
    let disk = Ext4::new(16);
    let scene = Scene::at(disk.path()).with(&UNDO_HOURS, 0);
    // These names fill the directory's only block of 1 KiB.
    for (letter, length) in [("a", 255), ("b", 255), ("c", 255), ("d", 170)] {
        scene.file(format!("full/{}", letter.repeat(length)), 1024, 100);
    }
    let mut filler = File::create(scene.path.join("filler")).unwrap();
    while filler.write_all(&[1; 4096]).is_ok() {}
    for number in 0..100 {
        let _ = write(scene.path.join(format!("filler-{number}")), "x");
    }
    let (from, to) = (scene.path.join("full").join("a".repeat(255)), scene.path.join("full").join("e".repeat(40)));
    assert_eq!(rename(from, to).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    let step = scene.select("remove", scene.selection(&["full/*"])).unwrap();
    let applied = scene.begin(&step).unwrap();
    assert_eq!(applied.items.iter().filter(|item| item.fate == Fate::Done).count(), 4, "{applied:?}");
}
