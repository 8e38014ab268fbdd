//! What the thread does while no command waits: counts, thumbnails, scans, averages.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Event, Worker};

impl Worker {
    /// Unless one runs already, which will find the same.
    pub(super) fn begin_scan(&mut self) {
        let scan = match (&mut self.gallery, &self.scan) {
            (Some(gallery), None) => gallery.begin_scan(),
            _ => return,
        };
        match scan {
            Ok(scan) => self.scan = Some(scan),
            Err(error) => self.fail_or_mend(&error),
        }
        self.tell_notices();
        // As they are before the scan, so that what comes during it is found by the next.
        let times = self
            .gallery
            .as_ref()
            .and_then(|gallery| gallery.folder_times().ok());
        self.folder_times = times.unwrap_or_default();
    }

    /// One piece of what nobody waits for.
    pub(super) fn work(&mut self) {
        let Some(gallery) = &mut self.gallery else {
            self.thumbnails.clear();
            self.is_overview_stale = false;
            return;
        };
        if std::mem::take(&mut self.is_overview_stale) {
            match gallery.overview() {
                Ok(overview) => (self.emit)(Event::Overview(Arc::new(overview))),
                Err(error) => self.fail_or_mend(&error),
            }
        } else if let Some(id) = self.thumbnails.pop_front() {
            (self.emit)(match gallery.thumbnail(id) {
                Ok(pixels) => {
                    if !gallery.has_average(id) {
                        let average = gallery.keep_average(id, &pixels);
                        (self.emit)(Event::Average { id, average });
                    }
                    Event::Thumbnail { id, pixels }
                }
                Err(error) => Event::Unreadable {
                    id,
                    message: error.to_string(),
                },
            });
        } else if self.averages.is_none() {
            let averages = gallery.read_averages();
            (self.emit)(Event::Averages(Box::new(averages)));
            self.averages = Some(gallery.without_average());
        } else if let Some(scan) = &mut self.scan {
            match gallery.continue_scan(scan) {
                Ok(None) => {}
                Ok(Some(report)) => {
                    self.scan = None;
                    gallery.forget_averages(&report.changed);
                    if report.has_changes() {
                        self.averages = Some(gallery.without_average());
                        self.is_overview_stale = true;
                        (self.emit)(Event::Changed);
                    }
                    if !report.changed.is_empty() {
                        (self.emit)(Event::Redrawn(report.changed));
                    }
                }
                Err(error) => {
                    self.scan = None;
                    self.fail_or_mend(&error);
                }
            }
        } else if let Some(id) = self.averages.as_mut().and_then(VecDeque::pop_front) {
            // One that cannot be read says so when it is looked at.
            if !gallery.has_average(id)
                && let Ok(pixels) = gallery.thumbnail(id)
            {
                let average = gallery.keep_average(id, &pixels);
                (self.emit)(Event::Average { id, average });
            }
            if self.averages.as_ref().is_some_and(VecDeque::is_empty) {
                gallery.flush_averages();
            }
        }
    }

    /// What another process told the index.
    pub(super) fn look_at_index(&mut self) {
        let Some(gallery) = &mut self.gallery else {
            return;
        };
        match gallery.index_has_changed(&mut self.index_seen) {
            Ok(false) => {}
            Ok(true) => {
                self.is_overview_stale = true;
                (self.emit)(Event::Changed);
            }
            Err(error) if error.is_index_damage() => self.fail_or_mend(&error),
            Err(error) => tracing::warn!("cannot look at the gallery's index: {error}"),
        }
    }

    /// What another process or program did meanwhile.
    pub(super) fn look_for_changes(&mut self) {
        let Some(gallery) = &mut self.gallery else {
            return;
        };
        let has_new_files = gallery
            .folder_times()
            .is_ok_and(|times| times != self.folder_times);
        match gallery.read_marks() {
            Ok(false) => {}
            Ok(true) => {
                self.is_overview_stale = true;
                (self.emit)(Event::Changed);
            }
            Err(error) if error.is_index_damage() => return self.fail_or_mend(&error),
            Err(error) => tracing::warn!("cannot read the gallery's marks: {error}"),
        }
        if has_new_files {
            self.begin_scan();
        }
    }
}
