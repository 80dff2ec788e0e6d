"""Unpacks from a wheel what a C++ program needs: unpack-wheel.py FLAVOUR WHEEL FOLDER.

The Python code, static libraries and, in the flavour "cpu", the CUDA kernels stay behind: half of the torch wheel.
"""

import sys
import zipfile


def is_needed(path, flavour):
    if ".dist-info/" in path or path == "torch/version.py" or path.startswith("torch/include/"):
        return True
    folder, _, name = path.rpartition("/")
    if not folder.endswith("/lib") or ".so" not in name or name.startswith("libtorch_python"):
        return False
    only_for_cuda = any(part in name for part in ("_cuda", "_nvrtc", "_nvshmem"))
    return flavour == "cuda" or not only_for_cuda


flavour, wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(folder, [path for path in archive.namelist() if is_needed(path, flavour)])
