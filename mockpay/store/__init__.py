"""
Where rows live: the only layer that imports SQLAlchemy.

One file per noun: its table, insert, find and compare-and-set transition.
Decides nothing about money or time; knows no Flask, no HTTP and no provider.
"""
