"""What a lesson is, where it is kept, and how it is found."""

import os

# Must stand before numpy is imported. On a busy machine two threads waited for each other, and
# reading a question took 2.4 s instead of 85 ms; on an idle one a second thread gains nothing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
