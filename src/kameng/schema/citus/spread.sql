-- How the lanes lie: one line a node, with its lanes and how many orders they hold. Uneven? Then move shard groups:
-- SELECT citus_rebalance_start(); it moves lanes while orders run, each of which waits a second or two at the end.
SELECT n.nodename, n.nodeport, array_agg(l.lane ORDER BY l.lane) AS lanes, sum(l.organisations) AS organisations
FROM lane l
JOIN pg_dist_placement p ON p.shardid = get_shard_id_for_distribution_column('lane', l.lane)
JOIN pg_dist_node n ON n.groupid = p.groupid
GROUP BY n.nodename, n.nodeport ORDER BY n.nodename, n.nodeport;
