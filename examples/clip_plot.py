# %% The plot of a clip's emotions over time, as in the tutorial of `fer`, in cells for a notebook or an editor.
# python examples/clip_plot.py clip.mp4
import sys

import mien

clip = mien.analyze_video(sys.argv[1], fps=10)

# %% Who is in it, and what they mostly showed.
for person in clip.people:
    print(f"person {person.person}: {person.first_seen:.1f} to {person.last_seen:.1f} s, mostly {person.dominant}")

# %% Mien's own plot; a notebook shows it for `clip` alone.
clip.plot("plot.png")

# %% As a table, for any other plot (`pip install pandas`).
table = clip.to_pandas()
print(table.groupby("person")[list(clip.labels)].mean().round(2))

# %% The paragraph for a paper.
print(clip.methods())
