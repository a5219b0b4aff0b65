// name: tissue-genes
// topic: Tissues
// about: Genes to which the cell lines of a tissue attend, by the number of cell lines that keep them.
// param tissue: string, as in `cli query tissues`
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, cell_lines integer, mean_excess float, best_rank integer
MATCH (c:CellLine)-[a:ATTENDS]->(g:Gene)
WHERE c.tissue = $tissue AND a.run_id = $run
RETURN g.id AS gene, count(DISTINCT c.id) AS cell_lines, avg(a.excess) AS mean_excess, min(a.rank) AS best_rank
ORDER BY cell_lines DESC, mean_excess DESC, gene
LIMIT $limit
