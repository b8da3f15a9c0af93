"""Files of exports: written by a command, or whenever a day or month is over.

    writing      the files of one folder, and its manifest
    task         what one export is to write, as one process says it to another
    __main__     the process that writes what is due of one export, and ends
    schedule     when that process runs, what came of it, and when it is tried again
    child        starts that process, and ends it

README.md of `surfaces/exports` has what files hold and when they are written.
"""
