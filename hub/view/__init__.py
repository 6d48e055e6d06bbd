"""What people see of the bus on their own screen: content is shown here, unlike in logs.

lines      one readable line for each message class, found by topic
waterfall  where the time of a turn went, as bars
watcher    everything on the bus as lines, audio summed up, a waterfall per turn
conversation  a turn as it happens, for who plays the toy
observer   a second connection that looks at one device, and whether a hub is there
"""
